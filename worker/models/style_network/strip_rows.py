"""The rows of a layer of a large picture: read from the picture, computed when asked for, or kept in memory.

Values are float32 tensors (1, rows, width, channels). As in `folded_norm`, as much as possible
of what follows a layer is done by the next layer: values may lack a factor a channel.
"""

from __future__ import annotations

import math
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from worker.models.style_network.strip_layer import StripLayer
from worker.models.style_network.weights import EPSILON, GRID, Array

Tensor = Any  # TensorFlow ships no types
Pixels = npt.NDArray[np.uint8]

_LARGEST_HALF = 65504.0  # of float16


class Rows(Protocol):
    """Rows of a layer, wherever they come from."""

    height: int
    width: int
    factor: Array  # (channels,): the values must still be multiplied by it
    row_values: int  # most numbers that computing one row needs at once

    def rows(self, start: int, stop: int) -> Tensor:
        """Return the values of rows start .. stop - 1, both within the height."""


class PictureRows:
    """A picture (h, w, 3), its lower and right border reflected so that sides are multiples of GRID."""

    def __init__(self, picture: Pixels) -> None:
        self._picture = picture
        self.height, self.width = (side + -side % GRID for side in picture.shape[:2])
        self.factor = np.ones(3, np.float32)
        self.row_values = 3 * self.width

    def rows(self, start: int, stop: int) -> Tensor:
        """Return pixels in 0..1."""
        last = len(self._picture) - 1
        strip = self._picture[last - np.abs(last - np.arange(start, stop))]
        missing = self.width - strip.shape[1]
        padded = np.pad(strip, [(0, 0), (0, missing), (0, 0)], mode="reflect") if missing else strip
        return tf.cast(padded[None], tf.float32) / 255


class Convolved:
    """A layer of other rows, computed each time: for what is too large to keep, or asked for once."""

    def __init__(
        self,
        source: Rows,
        layer: StripLayer,
        *,
        sign: Array | None = None,
        bias: Array | None = None,
        factor: Array | None = None,
    ) -> None:
        """Multiply the layer's outputs by a sign. After a bias comes ReLU; the factor is left out."""
        ones = np.ones(layer.out_channels, np.float32)
        self._source, self._layer = source, layer
        self.height, self.width = layer.size(source.height), layer.size(source.width)
        self.factor = ones if factor is None else factor
        self._kernel = layer.kernel(source.factor, ones if sign is None else sign)
        self._bias, self._relu = (0 * ones if bias is None else bias), bias is not None
        for_inputs = math.ceil(layer.inputs_per_output * source.row_values)
        self.row_values = max(for_inputs, self.width * layer.out_channels)

    def rows(self, start: int, stop: int) -> Tensor:
        """Compute the groups of rows that hold the wanted ones, and return these."""
        first, end = start - start % self._layer.align, stop + -stop % self._layer.align
        wanted = self._layer.inputs(first, end, self._source.height)
        least = int(wanted.min())
        values = self._source.rows(least, int(wanted.max()) + 1)
        computed = self._layer.convolve(values, wanted - least, self._kernel, self._bias, relu=self._relu)
        return computed if (first, end) == (start, stop) else computed[:, start - first : stop - first]


class Moments:
    """Mean and variance a channel of a whole picture, gathered strip by strip.

    Deviations are from the mean of the first strip: near enough to the whole's for squares to stay exact.
    """

    def __init__(self, channels: int) -> None:
        self.center = np.zeros(channels, np.float32)
        self._sum, self._squares, self._count = np.zeros(channels), np.zeros(channels), 0

    def write(self, start: int, values: Tensor) -> None:
        """Count rows, which begin with the first."""
        self.centered(start, values)

    def centered(self, start: int, values: Tensor) -> tuple[Tensor, bool]:
        """Count rows; return their deviations from the center, and whether all surely fit into float16."""
        count = int(values.shape[1]) * int(values.shape[2])
        if start == 0:
            self.center = (_row_sums(values).sum(0) / count).astype(np.float32)
        centered = tf.nn.bias_add(values, -self.center)
        squares = _row_sums(tf.square(centered))
        self._sum = self._sum + _row_sums(centered).sum(0)
        self._squares = self._squares + squares.sum(0)
        self._count += count
        return centered, bool(squares.max() < _LARGEST_HALF**2)

    @property
    def mean(self) -> Array:
        """Mean a channel."""
        return (self.center + self._sum / max(self._count, 1)).astype(np.float32)

    def factor(self, scale: Array) -> Array:
        """Return the factor of the norm, without its sign."""
        count = max(self._count, 1)
        variance = np.maximum(self._squares / count - (self._sum / count) ** 2, 0)
        return (np.abs(scale) / np.sqrt(variance + EPSILON)).astype(np.float32)


def _row_sums(values: Tensor) -> npt.NDArray[np.float64]:
    """Add up each channel of each row: as a product with ones, the fastest sum there is in TensorFlow."""
    ones = tf.ones((1, 1, int(values.shape[2])))
    return np.asarray(tf.matmul(ones, values[0])[:, 0], np.float64)


class KeptRows:
    """Rows kept as float16, as deviations from their center: halves hold small numbers best."""

    def __init__(self, source: Rows) -> None:
        channels = len(source.factor)
        self.height, self.width = source.height, source.width
        self.factor = np.ones(channels, np.float32)
        self.row_values = self.width * channels
        self.moments = Moments(channels)
        self._values = np.empty((self.height, self.width, channels), np.float16)

    def write(self, start: int, values: Tensor) -> None:
        """Keep rows, which begin with the first, and count them in the moments."""
        self._keep(start, *self.moments.centered(start, values))

    def replace(self, start: int, values: Tensor) -> None:
        """Overwrite kept rows by others of about the same mean."""
        self._keep(start, tf.nn.bias_add(values, -self.moments.center), False)

    def _keep(self, start: int, centered: Tensor, fits: bool) -> None:
        if not fits:
            centered = tf.clip_by_value(centered, -_LARGEST_HALF, _LARGEST_HALF)
        self._values[start : start + int(centered.shape[1])] = tf.cast(centered, tf.float16)[0]

    def rows(self, start: int, stop: int) -> Tensor:
        """Return the rows as they were written, except for rounding."""
        return self.biased(start, stop, 0 * self.factor)

    def biased(self, start: int, stop: int, bias: Array) -> Tensor:
        """Return rows with a bias added a channel."""
        values = tf.cast(self._values[None, start:stop], tf.float32)
        return tf.nn.bias_add(values, self.moments.center + bias)


class NormedRows:
    """Kept rows with the bias of their norm, and ReLU or not; they lack the norm's factor."""

    def __init__(self, kept: KeptRows, factor: Array, bias: Array, *, relu: bool) -> None:
        self._kept, self._bias, self._relu = kept, bias, relu
        self.height, self.width, self.row_values = kept.height, kept.width, kept.row_values
        self.factor = factor

    def rows(self, start: int, stop: int) -> Tensor:
        """Return the normed rows, divided by the factor."""
        values = self._kept.biased(start, stop, self._bias)
        return tf.nn.relu(values) if self._relu else values


class SettledRows:
    """Rows multiplied by the factor that they lack, and added to others that lack none."""

    def __init__(self, source: Rows, base: Rows | None = None) -> None:
        self._source, self._base = source, base
        self.height, self.width, self.row_values = source.height, source.width, source.row_values
        self.factor = np.ones(len(source.factor), np.float32)

    def rows(self, start: int, stop: int) -> Tensor:
        """Return the products, or the sums."""
        values = self._source.rows(start, stop) * self._source.factor
        return values if self._base is None else self._base.rows(start, stop) + values
