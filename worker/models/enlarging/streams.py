"""Layers that get a picture's rows from top to bottom in pieces, and give theirs as soon as they can.

Each keeps the few rows that it will need again, so that no row of any layer is computed twice, however the
picture is cut, and memory depends on the picture's width and not on its height. Values are float32 tensors
(1, rows, width, channels); a piece may have no rows. Around the picture are zeros. A layer serves one
picture, in one thread at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

Tensor = Any  # TensorFlow ships no types
Array = npt.NDArray[np.float32]

_SHARPNESS = -0.75  # of the cubic's outer lobes: `a` of Keys 1981, as ncnn has it
_BLOCK = 4  # pixels of the picture that is shrunk which become a whole number of pixels


class Layer:
    """The weights of a 3 x 3 convolution, its bias, and what follows: a PReLU or nothing."""

    def __init__(self, kernel: Array, bias: Array, slope: Array | None = None) -> None:
        self.kernel, self.bias = tf.constant(kernel), tf.constant(bias)
        self.slope = None if slope is None else tf.constant(slope)
        self.made = len(bias)  # channels

    def __call__(self, padded: Tensor) -> Tensor:
        """Return two rows fewer than it gets, at the same width."""
        if padded.shape[1] < 3:
            return tf.zeros((1, 0, padded.shape[2], self.made))
        if self.slope is None:
            return _convolve(self.kernel.shape[2])(padded, self.kernel, self.bias)
        return _convolve_and_bend(self.kernel.shape[2])(padded, self.kernel, self.bias, self.slope)


class Convolved:
    """A layer of rows that come in pieces."""

    def __init__(self, layer: Layer) -> None:
        self._layer = layer
        self._kept: Tensor | None = None

    def __call__(self, rows: Tensor, *, last: bool) -> Tensor:
        """Return the rows that can be computed now; with the `last` piece, all that are left."""
        zeros = tf.zeros((1, 1, *rows.shape[2:]))
        before = zeros if self._kept is None else self._kept
        values = tf.concat([before, rows, zeros] if last else [before, rows], 1)
        self._kept = values[:, -2:]
        return self._layer(values)


class Aligned:
    """Brings layers together of which some are ahead of others."""

    def __init__(self) -> None:
        self._kept: tuple[Tensor, ...] = ()

    def __call__(self, *streams: Tensor) -> tuple[Tensor, ...]:
        """Return of each the rows that are there of all."""
        kept = self._kept or tuple(rows[:, :0] for rows in streams)
        whole = [tf.concat([old, new], 1) for old, new in zip(kept, streams, strict=True)]
        ready = min(rows.shape[1] for rows in whole)
        self._kept = tuple(rows[:, ready:] for rows in whole)
        return tuple(rows[:, :ready] for rows in whole)


class Shrunk:
    """A picture 4 times as large as the content made 2 or 3 times as large, by cubic interpolation."""

    def __init__(self, scale: int) -> None:
        self._taps = _taps(scale)
        self._kept: Tensor | None = None

    def __call__(self, rows: Tensor, *, last: bool) -> Tensor:
        """Return the rows that can be computed now; beyond the borders, the picture's edge goes on."""
        before = self._kept if self._kept is not None and self._kept.shape[1] else rows[:, :1]
        values = tf.concat([before, rows], 1)
        values = tf.concat([values, values[:, -1:]], 1) if last else values
        blocks = max((int(values.shape[1]) - 2) // _BLOCK, 0)
        self._kept = values[:, blocks * _BLOCK :]
        shrunk = _shrink(values, 1, blocks, self._taps)
        edges = tf.pad(shrunk, [(0, 0), (0, 0), (1, 1), (0, 0)], "SYMMETRIC")
        return _shrink(edges, 2, int(rows.shape[2]) // _BLOCK, self._taps)


def enlarged(rows: Tensor) -> Tensor:
    """Return rows with each pixel as 2 x 2."""
    return tf.repeat(tf.repeat(rows, 2, axis=1), 2, axis=2)


def _taps(scale: int) -> tuple[tuple[int, tuple[float, ...]], ...]:
    """Return, for each pixel made of a block, the first of four pixels that it reads, and their weights.

    Counted from the pixel before the block, which comes first in what `_shrink` gets.
    """
    places = [(index + 0.5) * _BLOCK / scale - 0.5 for index in range(scale)]
    return tuple((int(place), tuple(_cubic(place % 1 - tap) for tap in range(-1, 3))) for place in places)


def _cubic(distance: float) -> float:
    x, a = abs(distance), _SHARPNESS
    near, far = ((a + 2) * x - (a + 3)) * x * x + 1, ((x - 5) * x + 8) * x * a - 4 * a
    return near if x <= 1 else far


def _shrink(
    values: Tensor, axis: int, blocks: int, taps: tuple[tuple[int, tuple[float, ...]], ...]
) -> Tensor:
    """Return `blocks` blocks along an axis, of values with one pixel more on either side."""

    def every_fourth(first: int) -> Tensor:
        chosen = [slice(None)] * 4
        chosen[axis] = slice(first, first + blocks * _BLOCK, _BLOCK) if blocks else slice(0, 0)
        return values[tuple(chosen)][(slice(None),) * axis + (slice(0, blocks),)]

    pixels = [
        sum(weight * every_fourth(first + tap) for tap, weight in enumerate(row)) for first, row in taps
    ]
    shape = list(values.shape)
    shape[axis] = blocks * len(taps)
    return tf.reshape(tf.stack(pixels, axis + 1), shape)


@cache
def _convolve(channels: int) -> Callable[..., Tensor]:
    """Trace the function once for all sizes of pictures."""
    return _traced(lambda padded, kernel, bias: _plain(padded, kernel, bias), channels, 2)


@cache
def _convolve_and_bend(channels: int) -> Callable[..., Tensor]:
    def bent(padded: Tensor, kernel: Tensor, bias: Tensor, slope: Tensor) -> Tensor:
        values = _plain(padded, kernel, bias)
        return tf.nn.relu(values) - slope * tf.nn.relu(-values)

    return _traced(bent, channels, 3)


def _plain(padded: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
    borders = [[0, 0], [0, 0], [1, 1], [0, 0]]  # zeros left and right
    return tf.nn.bias_add(tf.nn.conv2d(padded, kernel, 1, borders), bias)


def _traced(function: Callable[..., Tensor], channels: int, weights: int) -> Callable[..., Tensor]:
    shapes = [[1, None, None, channels], [3, 3, channels, None], *([[None]] * (weights - 1))]
    signature = [tf.TensorSpec(shape) for shape in shapes]
    traced: Callable[..., Tensor] = tf.function(function, signature, autograph=False).get_concrete_function()
    return traced
