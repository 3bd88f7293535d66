"""The network in training: the plain form of the transformer that serves, with one style.

Three contracting convolutions, residual blocks, three expanding ones, as Johnson et al. 2016 have it, with
instance norms (Ulyanov et al. 2016, arXiv:1607.08022) in the place of batch norms. Borders are reflected, and
enlarging is by nearest neighbor before a convolution, which leaves no checkerboard (Odena et al. 2016).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from worker.models.style_network.weights import EPSILON, Head, Layer, StyleNorm, TransformerWeights

Tensor = Any  # TensorFlow ships no types

BLOCKS = 5
_COLORS = 3


@dataclass(frozen=True, slots=True, eq=False)
class _Convolution:
    """A convolution with reflected borders and the instance norm after it."""

    kernel: Any  # variables (h, w, in, out), (out,) and (out,)
    scale: Any
    shift: Any

    def __call__(self, values: Tensor, stride: int = 1) -> Tensor:
        margin = self.kernel.shape[0] // 2
        padded = tf.pad(values, [[0, 0], [margin, margin], [margin, margin], [0, 0]], mode="REFLECT")
        made = tf.nn.conv2d(padded, self.kernel, stride, "VALID")
        mean = tf.reduce_mean(made, (1, 2), keepdims=True)
        variance = tf.reduce_mean(tf.math.squared_difference(made, mean), (1, 2), keepdims=True)
        return (made - mean) * (self.scale * tf.math.rsqrt(variance + EPSILON)) + self.shift

    def layer(self) -> Layer:
        """Return the weights as the serving form has them: linear in a style vector of one number, 1."""
        scale, shift = (
            Head(variable.numpy()[None], np.zeros(variable.shape, np.float32))
            for variable in (self.scale, self.shift)
        )
        return Layer(self.kernel.numpy(), StyleNorm(scale=scale, shift=shift))


class StylizerNetwork:
    """Pictures (n, h, w, 3) in 0..1 to painted ones of that shape; h and w multiples of 4, at least 16."""

    def __init__(self, width: int, seed: int, blocks: int = BLOCKS) -> None:
        """`width` is the first layer's channels; the weights depend on `seed` alone."""
        self.variables: list[Any] = []
        draw = _initializers(seed)
        wide, deep = 2 * width, 4 * width
        shapes = ((9, _COLORS, width), (3, width, wide), (3, wide, deep))
        self._contract = tuple(self._make(draw, *shape) for shape in shapes)
        self._residual = tuple(
            (self._make(draw, 3, deep, deep), self._make(draw, 3, deep, deep)) for _ in range(blocks)
        )
        shapes = ((3, deep, wide), (3, wide, width), (9, width, _COLORS))
        self._expand = tuple(self._make(draw, *shape) for shape in shapes)

    def _make(self, draw: Iterator[keras.Initializer], side: int, given: int, made: int) -> _Convolution:
        starts = (next(draw)((side, side, given, made)), tf.ones(made), tf.zeros(made))
        variables = [tf.Variable(start) for start in starts]
        self.variables += variables
        return _Convolution(*variables)

    def __call__(self, pictures: Tensor) -> Tensor:
        """Paint pictures."""
        first, *halving = self._contract
        x = tf.nn.relu(first(pictures))
        for layer in halving:
            x = tf.nn.relu(layer(x, stride=2))
        for one, two in self._residual:
            x += two(tf.nn.relu(one(x)))
        *enlarging, last = self._expand
        for layer in enlarging:
            x = tf.nn.relu(layer(tf.repeat(tf.repeat(x, 2, axis=1), 2, axis=2)))
        return tf.sigmoid(last(x))

    def weights(self) -> TransformerWeights:
        """Return the weights in the form that serves."""
        contract, expand = (
            (part[0].layer(), part[1].layer(), part[2].layer()) for part in (self._contract, self._expand)
        )
        residual = tuple((one.layer(), two.layer()) for one, two in self._residual)
        return TransformerWeights(contract=contract, residual=residual, expand=expand)


def _initializers(seed: int) -> Iterator[keras.Initializer]:
    number = seed * 64
    while True:
        yield keras.initializers.GlorotUniform(seed=number)
        number += 1
