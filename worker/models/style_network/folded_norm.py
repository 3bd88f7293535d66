"""Instance norm and ReLU, their multiplications folded into the neighboring kernels.

With mean m, deviation d, scale g and shift b of a channel, and s = g / d, the norm of x is s (x - m) + b. Let
x' = sign(g) x, with mean m', which the kernel before gives when its outputs are multiplied by sign(g). Then

    norm(x)       = |s| (x' - m') + b
    relu(norm(x)) = |s| relu(x' - m' + b / |s|)

and the kernel after takes |s| on its inputs: a bias and a ReLU are left. Where nothing but another norm can
see the result, m' and b need not be applied at all: a constant a channel stays one through padding that
reflects or repeats and through the next convolution, and the norm after that takes it away.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from worker.models.style_network.narrow import mean_of_relu
from worker.models.style_network.pixel_layout import PixelLayout
from worker.models.style_network.weights import EPSILON

Tensor = Any  # TensorFlow ships no types

# A channel whose scale is 0 stays finite; the kernel after multiplies it by 0. What the norm would give
# there is a constant, which the next norm takes away.
LEAST_FACTOR = 1e-30


@dataclass(frozen=True, slots=True, eq=False)
class FoldedNorm:
    """What is left of a norm once the kernel before took the sign of its scale."""

    mean: Tensor  # (channels,), m'
    variance: Tensor  # (channels,), d^2
    factor: Tensor  # (channels,), |s|
    shift: Tensor  # (channels,), b

    @classmethod
    def of(cls, values: Tensor, scale: Tensor, shift: Tensor, layout: PixelLayout) -> FoldedNorm:
        """Measure x', a tensor in a layout."""
        mean, variance = moments(values, scale.shape[0], layout)
        return cls(mean, variance, tf.abs(scale) * tf.math.rsqrt(variance + EPSILON), shift)

    def relu(self, values: Tensor) -> Tensor:
        """Return the norm's ReLU of x', divided by `factor`."""
        return tf.nn.relu(tf.nn.bias_add(values, for_each_pixel(self._shift - self.mean, values)))

    @property
    def mean_of_relu(self) -> Tensor:
        """About the mean of `relu`, (channels,)."""
        return mean_of_relu(self._shift, tf.sqrt(self.variance))

    @property
    def _shift(self) -> Tensor:
        return self.shift / tf.maximum(self.factor, LEAST_FACTOR)

    def apply(self, values: Tensor) -> Tensor:
        """Return the norm itself, where no layer follows that could do a part of it."""
        constant = self.shift - self.mean * self.factor
        return tf.nn.bias_add(values * for_each_pixel(self.factor, values), for_each_pixel(constant, values))


def fold_sign(kernel: Tensor, scale: Tensor) -> Tensor:
    """Multiply a kernel's outputs by the sign of the scale of the norm that follows."""
    return kernel * for_each_pixel(tf.where(scale < 0, -1.0, 1.0), kernel)


def fold_factor(kernel: Tensor, factor: Tensor) -> Tensor:
    """Multiply a kernel's inputs by the factor that the norm before left to it."""
    return kernel * tf.tile(factor, [kernel.shape[2] // factor.shape[0]])[:, None]


def moments(values: Tensor, channels: int, layout: PixelLayout) -> tuple[Tensor, Tensor]:
    """Return each channel's mean and variance over the picture of a tensor in a layout, without its ring.

    The variance comes from deviations, not from squares: a layer's mean can be far larger than its deviation.
    """
    shape = tf.shape(values)
    down, across = shape[1] * layout.rows - 2 * layout.ring, shape[2] * layout.columns - 2 * layout.ring
    pixels = tf.cast(down, tf.float32) * tf.cast(across, tf.float32)
    mean = _sums(values, channels, layout) / pixels
    # Long rows, as TensorFlow repeats a long row faster than a short one.
    rows = tf.reshape(values, (shape[1], -1))
    squares = tf.math.squared_difference(rows, tf.tile(for_each_pixel(mean, values), [shape[2]]))
    return mean, _sums(tf.reshape(squares, shape), channels, layout) / pixels


def for_each_pixel(by_channel: Tensor, values: Tensor) -> Tensor:
    """Repeat a value a channel for every pixel that a cell of the values holds."""
    return tf.tile(by_channel, [values.shape[-1] // by_channel.shape[0]])


def _sums(values: Tensor, channels: int, layout: PixelLayout) -> Tensor:
    """Add up each channel, row by row as a product with ones, then the rows.

    The product is the fastest sum in TensorFlow, and in two steps rounding stays small. A row is
    never split among threads, so the result does not depend on their number.
    """
    ones = tf.ones((1, 1, tf.shape(values)[2]))
    by_row = tf.matmul(ones, values[0])
    total = tf.reduce_sum(tf.reshape(by_row, (-1, channels)), 0)
    return total - _ring_sums(values, channels) if layout.ring else total


def _ring_sums(values: Tensor, channels: int) -> Tensor:
    """Add up the outermost pixels of a tensor in cells of 2 x 2, each once."""
    shape = tf.shape(values)
    cells = tf.reshape(values, (shape[1], shape[2], 2, 2, channels))
    sides = (cells[0, :, 0], cells[-1, :, 1], cells[:, 0, :, 0], cells[:, -1, :, 1])
    twice = cells[0, 0, 0, 0] + cells[0, -1, 0, 1] + cells[-1, 0, 1, 0] + cells[-1, -1, 1, 1]
    return tf.add_n([tf.reduce_sum(side, (0, 1)) for side in sides]) - twice
