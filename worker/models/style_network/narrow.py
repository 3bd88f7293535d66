"""Convolutions of bfloat16 numbers: half as many bytes, and twice as many products a second where there are
instructions for them.

Such a number has 8 digits of the 24 that a float32 has, from its first one on. So inputs are brought near
to 0 before they are cut: pixels as whole numbers around 0, which are kept to the last bit, and what a ReLU
gives less about its mean. A constant a channel stays one through padding that reflects, and through a
convolution: it is added to the bias that follows, or the norm that follows takes it away. Sums are float32
inside of a convolution; its results are cut once more.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import tensorflow as tf

from worker.models.style_network.weights import Array

Tensor = Any  # TensorFlow ships no types

LEVELS = 255.0  # of a pixel
_MIDDLE = 128.0  # whole numbers of up to 8 digits are kept as they are


def cut(values: Tensor) -> Tensor:
    """Return values as bfloat16."""
    return tf.cast(values, tf.bfloat16)


def cut_pixels(picture: Tensor) -> Tensor:
    """Return pixels in 0..1 as whole numbers around 0."""
    return cut(picture * LEVELS - _MIDDLE)


def constant_of_pixels(kernel: Array) -> Array:
    """Return what `cut_pixels` takes from the outputs of a kernel (h, w, in, out) for pixels in 0..1."""
    sums: Array = (kernel.astype(np.float64).sum((0, 1, 2)) * (_MIDDLE / LEVELS)).astype(np.float32)
    return sums


def convolve(values: Tensor, kernel: Tensor, stride: int) -> Tensor:
    """Return the convolution of bfloat16 values, without padding, as float32."""
    return tf.cast(tf.nn.conv2d(values, cut(kernel), stride, "VALID"), tf.float32)


def mean_of_relu(mean: Tensor, deviation: Tensor) -> Tensor:
    """Return the mean of the ReLU of normal numbers, a channel each."""
    where = mean / tf.maximum(deviation, 1e-30)
    density = tf.exp(-0.5 * where * where) / math.sqrt(2 * math.pi)
    return deviation * density + 0.5 * mean * (1 + tf.math.erf(where / math.sqrt(2)))
