"""The two networks of Real-ESRGAN (Wang et al. 2021, arXiv:2107.10833) as layers that work in pieces.

`CompactStream` is SRVGGNetCompact of its video models, `DeepStream` the RRDBNet of ESRGAN (Wang et al. 2018,
arXiv:1809.00219). Each takes rows of one picture, RGB in 0..1, and gives rows of the enlarged one, unclipped.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import tensorflow as tf

from worker.models.enlarging.streams import Aligned, Convolved, Layer, Shrunk, enlarged

Tensor = Any  # TensorFlow ships no types

COMPACT_SCALE = 4  # of the network itself
_RESIDUE = 0.2  # by which a block's work is multiplied before it is added
_DENSE = 5  # convolutions of a dense block
_TOGETHER = 3  # dense blocks of a residual block


class CompactStream:
    """Convolutions one after the other; what they find is added to the enlarged content."""

    def __init__(self, layers: Sequence[Layer], scale: int) -> None:
        """Take the last layer's channels in the order of TensorFlow's depth_to_space. Scale is 2, 3 or 4."""
        self._layers = [Convolved(layer) for layer in layers]
        self._ends = Aligned()
        self._shrunk = None if scale == COMPACT_SCALE else Shrunk(scale)

    def __call__(self, rows: Tensor, *, last: bool) -> Tensor:
        """Return the rows that can be computed now; with the `last` piece, all that are left."""
        values = rows
        for layer in self._layers:
            values = layer(values, last=last)
        base, found = self._ends(rows, values)
        blocks = found + tf.tile(base, (1, 1, 1, COMPACT_SCALE**2))
        made = _spread(blocks)
        return made if self._shrunk is None else self._shrunk(made, last=last)


def _spread(blocks: Tensor) -> Tensor:
    """Lay a pixel's channels out as a square of pixels."""
    if blocks.shape[1]:
        return tf.nn.depth_to_space(blocks, COMPACT_SCALE)
    return tf.zeros((1, 0, COMPACT_SCALE * blocks.shape[2], blocks.shape[3] // COMPACT_SCALE**2))


class DeepStream:
    """Residual blocks of dense blocks at the content's size, then two enlargements and convolutions."""

    def __init__(self, layers: Sequence[Layer]) -> None:
        following = iter(layers)
        self._first = Convolved(next(following))
        blocks = (len(layers) - 6) // (_TOGETHER * _DENSE)
        self._blocks = [_ResidualBlock(following) for _ in range(blocks)]
        self._middle, self._sum = Convolved(next(following)), Aligned()
        self._growing = [Convolved(layer) for layer in islice(following, 2)]
        self._ending = [Convolved(layer) for layer in following]

    def __call__(self, rows: Tensor, *, last: bool) -> Tensor:
        """Return the rows that can be computed now; with the `last` piece, all that are left."""
        values = begun = self._first(rows, last=last)
        for block in self._blocks:
            values = block(values, last=last)
        base, found = self._sum(begun, self._middle(values, last=last))
        values = base + found
        for layer in self._growing:
            values = layer(enlarged(values), last=last)
        for layer in self._ending:
            values = layer(values, last=last)
        return values


class _ResidualBlock:
    def __init__(self, layers: Iterator[Layer]) -> None:
        self._blocks = [_DenseBlock(layers) for _ in range(_TOGETHER)]
        self._sum = Aligned()

    def __call__(self, rows: Tensor, *, last: bool) -> Tensor:
        values = rows
        for block in self._blocks:
            values = block(values, last=last)
        base, found = self._sum(rows, values)
        return base + _RESIDUE * found


class _DenseBlock:
    """Each convolution gets what the block gets, and all that those before it found."""

    def __init__(self, layers: Iterator[Layer]) -> None:
        self._layers = [Convolved(layer) for layer in islice(layers, _DENSE)]
        self._joints = [Aligned() for _ in range(_DENSE)]  # the last is the sum

    def __call__(self, rows: Tensor, *, last: bool) -> Tensor:
        values = rows
        for layer, joint in zip(self._layers[:-1], self._joints[:-1], strict=True):
            values = tf.concat(joint(values, layer(values, last=last)), 3)
        base, found = self._joints[-1](rows, self._layers[-1](values, last=last))
        return base + _RESIDUE * found
