"""A stylization transformer rewritten to run fast in TensorFlow on a CPU: the pictures of `style_transformer`
up to float32 rounding.

What is rewritten, each where its derivation stands: the 9 x 9 layers work on cells of 2 x 4 pixels and the
enlarging layers on corners (`kernel_rewrites`), norms and ReLUs are folded into kernels (`folded_norm`),
padding and the change from one layout to the next are one gather (`pixel_layout`), and all norms' scales and
shifts are one product. Each picture is painted alone, so its bytes do not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from worker.models.fast_moves import CELLS, CORNERS, SMALL_CELLS, Moves
from worker.models.folded_norm import FoldedNorm, fold_factor, fold_sign
from worker.models.kernel_rewrites import corner_kernel, grid_kernel
from worker.models.pixel_layout import PLAIN, Layout
from worker.models.transformer_weights import Array, Layer, StyleNorm, TransformerWeights

Tensor = Any  # TensorFlow ships no types
Norms = Iterator[tuple[Tensor, Tensor]]  # scale and shift of each norm, in the order of the layers

_FEW_CHANNELS = 16


class FastTransformer(tf.Module):  # type: ignore[misc]
    """The network [(n, h, w, 3) in 0..1, (n or 1, style size)] -> (n, h, w, 3) in 0..1.

    h and w must be multiples of GRID and at least 8. `variables` are its weights.
    """

    def __init__(self, weights: TransformerWeights) -> None:
        super().__init__(name="fast_transformer")
        self.style_size = weights.style_size
        first, second, third = weights.contract
        self._first = first_layout(first)
        self._contract = (_Layer(first, self._first), _Layer(second, stride=2), _Layer(third, stride=2))
        self._residual = tuple((_Layer(one), _Layer(two)) for one, two in weights.residual)
        first, second, third = weights.expand
        self._expand = (_Layer(first, CORNERS), _Layer(second, CORNERS), _Layer(third, CELLS))
        self._heads = _Heads(weights)

    def __call__(self, inputs: tuple[Tensor, Tensor]) -> Tensor:
        """Paint each picture in its style, or all in the one given."""
        pictures, styles = inputs
        one_each = tf.broadcast_to(styles, (tf.shape(pictures)[0], styles.shape[1]))
        result = tf.TensorSpec((None, None, 3), tf.float32)
        return tf.map_fn(lambda each: self._paint(*each), (pictures, one_each), fn_output_signature=result)

    def _paint(self, picture: Tensor, style: Tensor) -> Tensor:
        moves, norms = Moves.of(tf.shape(picture), self._first), self._heads(style)
        trunk = self._contracted(picture, moves, norms)
        for one, two in self._residual:
            values, factor = one.relu(moves.block(trunk, one.given), None, norms)
            values, norm = two.norm(moves.block(values, two.given), factor, norms)
            trunk += values * norm.factor  # the rest of the norm is a constant, which the next one takes away
        return self._expanded(trunk, moves, norms)

    def _contracted(self, picture: Tensor, moves: Moves, norms: Norms) -> Tensor:
        one, two, three = self._contract
        values, factor = one.relu(moves.begin(picture, one.given), None, norms)
        values, factor = two.relu(moves.halve(values, two.given), factor, norms)
        values, factor = three.relu(moves.halve_again(values, three.given), factor, norms)
        return values if factor is None else values * factor

    def _expanded(self, trunk: Tensor, moves: Moves, norms: Norms) -> Tensor:
        one, two, three = self._expand
        values, factor = one.relu(moves.enlarge(trunk, one.given), None, norms)
        values, factor = two.relu(moves.enlarge_again(values, two.given), factor, norms)
        values, norm = three.norm(moves.finish(values, three.given), factor, norms)
        rows = moves.end(tf.sigmoid(norm.apply(values)), CELLS.columns * three.made)[0]
        return tf.reshape(rows, (tf.shape(rows)[0], -1, three.made))


class _Layer(tf.Module):  # type: ignore[misc]
    """One convolution of padded pixels and what follows it."""

    def __init__(self, layer: Layer, layout: Layout = PLAIN, stride: int = 1) -> None:
        super().__init__(name="layer")
        self.given, self.made = layer.kernel.shape[2:]  # channels
        self._layout, self._stride = layout, stride  # of the outputs
        self._kernel = tf.Variable(rewritten(layer.kernel, layout), trainable=False)
        self._bias: Any = None
        if not isinstance(layer.after, StyleNorm):
            self._bias = tf.Variable(np.tile(layer.after, layout.rows * layout.columns), trainable=False)

    def relu(self, padded: Tensor, factor: Tensor | None, norms: Norms) -> tuple[Tensor, Tensor | None]:
        """Return ReLU of the norm or of the bias, as values and the factor that they still lack."""
        if self._bias is not None:  # TensorFlow fuses these three
            return tf.nn.relu(tf.nn.bias_add(self._convolve(padded, self._kernel), self._bias)), None
        values, norm = self.norm(padded, factor, norms)
        return norm.relu(values), norm.factor

    def norm(self, padded: Tensor, factor: Tensor | None, norms: Norms) -> tuple[Tensor, FoldedNorm]:
        """Return the convolved values and what is left of their norm; factor is what the inputs lack."""
        scale, shift = next(norms)
        kernel = fold_sign(self._kernel, scale)
        values = self._convolve(padded, kernel if factor is None else fold_factor(kernel, factor))
        return values, FoldedNorm.of(values, scale, shift, self._layout)

    def _convolve(self, padded: Tensor, kernel: Tensor) -> Tensor:
        return tf.nn.conv2d(padded, kernel, self._stride, "VALID")


def first_layout(layer: Layer) -> Layout:
    """Return the layout in which the first layer is fastest."""
    return CELLS if layer.kernel.shape[-1] <= _FEW_CHANNELS else SMALL_CELLS


def rewritten(kernel: Array, layout: Layout) -> Array:
    """Return the kernel that gives its outputs in a layout."""
    if layout == CORNERS:
        return corner_kernel(kernel)
    return kernel if layout == PLAIN else grid_kernel(kernel, layout.rows, layout.columns)


class _Heads(tf.Module):  # type: ignore[misc]
    """The scales and shifts of all norms: one product with the style vector."""

    def __init__(self, weights: TransformerWeights) -> None:
        super().__init__(name="heads")
        heads = [head for norm in weights.norms() for head in (norm.scale, norm.shift)]
        self._sizes = [len(head.bias) for head in heads]
        self._matrix = tf.Variable(np.concatenate([head.matrix for head in heads], 1), trainable=False)
        self._bias = tf.Variable(np.concatenate([head.bias for head in heads]), trainable=False)

    def __call__(self, style: Tensor) -> Norms:
        """Yield the scale and shift of each norm, in the order of the layers."""
        numbers = tf.split((style[None] @ self._matrix)[0] + self._bias, self._sizes)
        return zip(numbers[::2], numbers[1::2], strict=True)
