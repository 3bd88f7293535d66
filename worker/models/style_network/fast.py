"""A stylization transformer rewritten to run fast in TensorFlow on a CPU.

Its pictures are those of the plain network, up to float32 rounding. Each rewriting is derived where it is
done: the 9 x 9 layers work on cells of 2 x 4 pixels and the enlarging layers on corners; norms and ReLUs are
folded into kernels (`folded_norm`); padding and the change from one layout to the next are one gather
(`pixel_layout`); the scales and shifts of all norms are one product. Each picture is painted alone, so its
bytes do not depend on the batch.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import tensorflow as tf

from worker.models.style_network.folded_norm import FoldedNorm, fold_factor, fold_sign
from worker.models.style_network.narrow import LEVELS, constant_of_pixels, convolve, cut, cut_pixels
from worker.models.style_network.pixel_layout import CELLS, CORNERS, PLAIN, SMALL_CELLS, Moves, PixelLayout
from worker.models.style_network.weights import Array, Layer, StyleNorm, TransformerWeights

Tensor = Any  # TensorFlow ships no types
Norms = Iterator[tuple[Tensor, Tensor]]  # scale and shift of each norm, in the order of the layers

_FEW_CHANNELS = 16
# Which taps of a 3-tap kernel fall on the pixel before and the pixel after a corner, when the picture was
# enlarged twice, for the enlarged pixel on either side of the corner: [side][pixel][tap].
_TAPS_AT_CORNER = np.array([[[1, 1, 0], [0, 0, 1]], [[1, 0, 0], [0, 1, 1]]], np.float64)


class FastTransformer(tf.Module):  # type: ignore[misc]
    """The network [(n, h, w, 3) in 0..1, (n or 1, style size)] -> (n, h, w, 3) in 0..1.

    h and w must be multiples of GRID and at least 8. `variables` are its weights.
    """

    def __init__(self, weights: TransformerWeights, *, is_narrow: bool = False) -> None:
        """A narrow one multiplies bfloat16 numbers in its large layers: the first, the last and the blocks.

        The four that halve and double the picture stay as they are: they are a tenth of the work, and what
        their rounding does to the picture is as much as that of all the others.
        """
        super().__init__(name="fast_transformer")
        self.style_size = weights.style_size
        first, second, third = weights.contract
        self._first = first_layout(first)
        first_kind, kind = (_NarrowFirst, _NarrowLayer) if is_narrow else (_Layer, _Layer)
        self._contract = (first_kind(first, self._first), _Layer(second, stride=2), _Layer(third, stride=2))
        self._residual = tuple((kind(one), kind(two)) for one, two in weights.residual)
        first, second, third = weights.expand
        self._expand = (_Layer(first, CORNERS), _Layer(second, CORNERS), kind(third, CELLS))
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
        trunk = self._residual[0][0].centered(trunk)
        for one, two in self._residual:
            values, factor = one.relu(moves.block(one.taken(trunk), one.in_channels), None, norms, True)
            values, norm = two.norm(moves.block(two.taken(values), two.in_channels), factor, norms)
            trunk += values * norm.factor  # the rest of the norm is a constant, which the next norm removes
        return self._expanded(trunk, moves, norms)

    def _contracted(self, picture: Tensor, moves: Moves, norms: Norms) -> Tensor:
        one, two, three = self._contract
        values, factor = one.relu(moves.begin(one.taken(picture), one.in_channels), None, norms)
        values, factor = two.relu(moves.halve(values, two.in_channels), factor, norms)
        values, factor = three.relu(moves.halve_again(values, three.in_channels), factor, norms)
        return values if factor is None else values * factor

    def _expanded(self, trunk: Tensor, moves: Moves, norms: Norms) -> Tensor:
        one, two, three = self._expand
        values, factor = one.relu(moves.enlarge(trunk, one.in_channels), None, norms)
        values, factor = two.relu(moves.enlarge_again(values, two.in_channels), factor, norms)
        values, norm = three.norm(moves.finish(three.taken(values), three.in_channels), factor, norms)
        rows = moves.end(tf.sigmoid(norm.apply(values)), CELLS.columns * three.out_channels)[0]
        return tf.reshape(rows, (tf.shape(rows)[0], -1, three.out_channels))


class _Layer(tf.Module):  # type: ignore[misc]
    """One convolution of padded pixels and what follows it."""

    def __init__(self, layer: Layer, layout: PixelLayout = PLAIN, stride: int = 1) -> None:
        super().__init__(name="layer")
        self.in_channels, self.out_channels = layer.kernel.shape[2:]  # channels
        self._layout, self._stride = layout, stride  # of the outputs
        self._kernel = tf.Variable(rewritten(layer.kernel, layout), trainable=False)
        self._bias: Any = None
        if not isinstance(layer.after, StyleNorm):
            self._bias = tf.Variable(np.tile(layer.after, layout.rows * layout.columns), trainable=False)

    def taken(self, values: Tensor) -> Tensor:
        """Return values as the layer takes them, for their padding."""
        return values

    def centered(self, values: Tensor) -> Tensor:
        """Return values without a constant a channel where the layer takes them better so."""
        return values

    def relu(
        self, padded: Tensor, factor: Tensor | None, norms: Norms, is_free: bool = False
    ) -> tuple[Tensor, Tensor | None]:
        """Return ReLU of the norm or of the bias: values, and the factor that they still lack.

        Where a constant a channel is `is_free`, as a norm comes next that takes it away, there may be one.
        """
        if self._bias is not None:  # TensorFlow fuses these three
            return tf.nn.relu(tf.nn.bias_add(self._convolve(padded, self._kernel), self._bias)), None
        values, norm = self.norm(padded, factor, norms)
        return self._relu_of(norm, values, is_free), norm.factor

    def norm(self, padded: Tensor, factor: Tensor | None, norms: Norms) -> tuple[Tensor, FoldedNorm]:
        """Return the convolved values and what is left of their norm; factor is what the inputs lack."""
        scale, shift = next(norms)
        kernel = fold_sign(self._kernel, scale)
        values = self._convolve(padded, kernel if factor is None else fold_factor(kernel, factor))
        return values, FoldedNorm.of(values, scale, shift, self._layout)

    def _relu_of(self, norm: FoldedNorm, values: Tensor, is_free: bool) -> Tensor:
        return norm.relu(values)

    def _convolve(self, padded: Tensor, kernel: Tensor) -> Tensor:
        return tf.nn.conv2d(padded, kernel, self._stride, "VALID")


class _NarrowLayer(_Layer):
    """The same with bfloat16 numbers."""

    def taken(self, values: Tensor) -> Tensor:
        return cut(values)

    def centered(self, values: Tensor) -> Tensor:
        return values - tf.reduce_mean(values, (0, 1, 2))

    def _relu_of(self, norm: FoldedNorm, values: Tensor, is_free: bool) -> Tensor:
        rectified = norm.relu(values)
        return tf.nn.bias_add(rectified, -norm.mean_of_relu) if is_free else rectified

    def _convolve(self, padded: Tensor, kernel: Tensor) -> Tensor:
        return convolve(padded, kernel, self._stride)


class _NarrowFirst(_NarrowLayer):
    """The first layer of a picture, whose pixels become whole numbers."""

    def __init__(self, layer: Layer, layout: PixelLayout) -> None:
        super().__init__(layer, layout)
        if self._bias is not None:
            self._bias.assign_add(constant_of_pixels(self._kernel.numpy()))
        self._kernel.assign(self._kernel / LEVELS)

    def taken(self, values: Tensor) -> Tensor:
        return cut_pixels(values)


def traced(weights: TransformerWeights, *, is_narrow: bool = False) -> Any:
    """Return the network as a function [(n, h, w, 3), (n or 1, style size)] that is traced for all sizes."""
    network = FastTransformer(weights, is_narrow=is_narrow)
    shapes = [tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, weights.style_size])]
    function = tf.function(lambda *inputs: network(inputs), shapes, autograph=False)
    function.get_concrete_function()
    return function


def first_layout(layer: Layer) -> PixelLayout:
    """Return the layout in which the first layer is fastest."""
    return CELLS if layer.kernel.shape[-1] <= _FEW_CHANNELS else SMALL_CELLS


def rewritten(kernel: Array, layout: PixelLayout) -> Array:
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


def grid_kernel(kernel: Array, rows: int, columns: int) -> Array:
    """Rewrite a stride-1 kernel to work on cells of rows x columns pixels, each cell's pixels as channels.

    Output pixel p of a cell (counting along one axis, n pixels a cell) reads the padded input pixels
    p + d, d = 0..k-1. Pixel p + d is pixel (p + d) % n of cell (p + d) // n, so tap d goes there; all other
    entries are 0. A (k, k, i, o) kernel becomes ((k - 1 + rows) / rows, (k - 1 + columns) / columns,
    rows * columns * i, rows * columns * o); rows and columns must divide k - 1. At 9 x 9 and 2 x 4 this is
    1.48 times the multiplications, and more than twice the speed.
    """
    height, width, in_channels, out_channels = kernel.shape
    assert (height - 1) % rows == (width - 1) % columns == 0, "cells must divide the padding"
    down, across = (height - 1) // rows + 1, (width - 1) // columns + 1
    cells = np.zeros((down, across, rows, columns, in_channels, rows, columns, out_channels), kernel.dtype)
    for y, x, p, q in np.ndindex(height, width, rows, columns):
        u, v = divmod(p + y, rows), divmod(q + x, columns)
        cells[u[0], v[0], u[1], v[1], :, p, q, :] = kernel[y, x]
    return cells.reshape(down, across, rows * columns * in_channels, rows * columns * out_channels)


def corner_kernel(kernel: Array) -> Array:
    """Rewrite "enlarge twice by nearest, then convolve 3 x 3" to one 2 x 2 kernel on the small picture.

    Around the corner between small pixels a-1 and a (along one axis) lie the enlarged pixels 2a-1 and 2a.
    Pixel 2a-1 reads 2a-2, 2a-1, 2a, which are copies of a-1, a-1, a; pixel 2a reads copies of a-1, a, a. So
    both need only the two small pixels, with added taps: (w0 + w1, w2) and (w0, w1 + w2). A (3, 3, i, o)
    kernel becomes (2, 2, i, 4 o), its outputs the pixels around the corner row by row: 4/9 of the
    multiplications, and the enlarged picture is never made.

    On a small picture padded by one copied edge pixel (which gives the same as reflecting the enlarged
    picture, as its outer two pixels are equal), n small pixels have n + 1 corners, so the result has a ring
    of one pixel around the 2n wanted ones. At the first corner both small pixels are equal, and then so are
    both outputs: the ring is a copy of the picture's edge, the padding that the next such layer needs.
    """
    taps = _TAPS_AT_CORNER
    corners = np.einsum("pay,qbx,yxio->abipqo", taps, taps, kernel.astype(np.float64))
    in_channels, out_channels = kernel.shape[2:]
    return np.ascontiguousarray(corners.reshape(2, 2, in_channels, 4 * out_channels), kernel.dtype)
