"""One layer of a stylization transformer on a few rows of a large picture, at the picture's full width.

The kernels and layouts are those of `fast`; only the rows are the caller's choice.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from worker.models.style_network.fast import rewritten
from worker.models.style_network.pixel_layout import CORNERS, PLAIN, Move, PixelLayout
from worker.models.style_network.weights import Array, Layer

Tensor = Any  # TensorFlow ships no types
Positions = npt.NDArray[np.int32]


class StripLayer:
    """A convolution that keeps the size, halves it (stride 2), or doubles it (layout CORNERS)."""

    def __init__(self, layer: Layer, layout: PixelLayout = PLAIN, stride: int = 1) -> None:
        self.in_channels, self.out_channels = layer.kernel.shape[2:]  # channels
        self._doubles = layout == CORNERS
        self._layout, self._stride = layout, stride
        self._margin = layer.kernel.shape[0] // 2
        self._kernel = rewritten(layer.kernel, layout)

    @property
    def inputs_per_output(self) -> float:
        """How many rows of input lie under one row of output."""
        return 0.5 if self._doubles else float(self._stride)

    @property
    def align(self) -> int:
        """How many rows a group of outputs has: outputs are computed in whole groups."""
        return self._layout.rows

    def size(self, input_size: int) -> int:
        """Return the height or width of the output for that of the input."""
        return int(input_size / self.inputs_per_output)

    def inputs(self, start: int, stop: int, size: int) -> Positions:
        """Return the rows or columns, of an input of this size, behind the outputs start .. stop - 1.

        In place of those beyond the borders come the rows or columns that pad them.
        """
        last = np.int32(size - 1)
        if self._doubles:
            return np.clip(np.arange(start // 2 - 1, stop // 2 + 1, dtype=np.int32), 0, last)
        first, end = start * self._stride - self._margin, (stop - 1) * self._stride + self._margin + 1
        reflected: Positions = last - np.abs(last - np.abs(np.arange(first, end, dtype=np.int32)))
        return reflected

    def kernel(self, factor: Array, sign: Array) -> Array:
        """Return the kernel for inputs that lack a factor a channel, and outputs multiplied by a sign."""
        inputs, outputs = (self._kernel.shape[i] // len(by) for i, by in ((2, factor), (3, sign)))
        return self._kernel * np.tile(factor, inputs)[:, None] * np.tile(sign, outputs)

    def convolve(self, values: Tensor, rows: Positions, kernel: Array, bias: Array, *, relu: bool) -> Tensor:
        """Return (1, rows, width, out channels) for rows of values (1, input rows, width, in channels)."""
        width = int(values.shape[2])
        columns = self.inputs(0, self.size(width), width)
        channels = (self.in_channels, self.out_channels)
        function = _convolution(kernel.shape, *channels, self._layout, self._stride, relu)
        biases = np.tile(bias, kernel.shape[3] // self.out_channels)
        return function(values, *(tf.constant(array) for array in (rows, columns, kernel, biases)))


@cache
def _convolution(
    shape: tuple[int, ...], in_channels: int, out_channels: int, layout: PixelLayout, stride: int, relu: bool
) -> Callable[..., Tensor]:
    """Trace the function once for all sizes; layers of one shape share it."""
    source = PLAIN if layout == CORNERS else layout

    def convolve(values: Tensor, rows: Tensor, columns: Tensor, kernel: Tensor, bias: Tensor) -> Tensor:
        padded = Move.between(PLAIN, source, rows, columns, tf.shape(values)[2])(values, in_channels)
        outputs = tf.nn.bias_add(tf.nn.conv2d(padded, kernel, stride, "VALID"), bias)
        return _plain(tf.nn.relu(outputs) if relu else outputs, out_channels, layout)

    positions = tf.TensorSpec([None], tf.int32)
    picture, weights, biases = (tf.TensorSpec(of) for of in ([1, None, None, in_channels], shape, shape[-1:]))
    signature = [picture, positions, positions, weights, biases]
    traced: Callable[..., Tensor] = tf.function(convolve, signature, autograph=False).get_concrete_function()
    return traced


def _plain(values: Tensor, channels: int, layout: PixelLayout) -> Tensor:
    """Bring values in a layout to one pixel after the other, without their ring."""
    if layout == PLAIN:
        return values
    # Without a ring, a row of a cell is moved as if it were one pixel.
    columns, chunk = (1, channels * layout.columns) if not layout.ring else (layout.columns, channels)
    source = PixelLayout(rows=layout.rows, columns=columns, ring=layout.ring)
    cells = tf.shape(values)
    down, across = cells[1] * source.rows - 2 * source.ring, cells[2] * columns - 2 * source.ring
    moved = Move.between(source, PLAIN, tf.range(down), tf.range(across), across)(values, chunk)
    return tf.reshape(moved, (1, down, -1, channels))
