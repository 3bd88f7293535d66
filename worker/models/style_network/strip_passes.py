"""The ways through a large picture that one layer takes: to measure its norm, or to measure and keep it."""

from __future__ import annotations

from collections.abc import Callable, Generator
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from worker.models.style_network.folded_norm import LEAST_FACTOR
from worker.models.style_network.pixel_layout import PLAIN, PixelLayout
from worker.models.style_network.strip_layer import StripLayer
from worker.models.style_network.strip_rows import Convolved, KeptRows, Moments, NormedRows, Rows
from worker.models.style_network.weights import Array, Head, Layer, StyleNorm

_ROWS = 4  # a strip's height is a multiple


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One way through all rows of a layer."""

    source: Rows
    write: Callable[[int, Any], None]  # takes the number of the first row, and the rows' values

    def strips(self, values: int) -> list[tuple[int, int]]:
        """Return each strip's first row and the one after its last; no tensor holds many more values."""
        rows = max(values // self.source.row_values // _ROWS, 1) * _ROWS
        return list(pairwise([*range(0, self.source.height, rows), self.source.height]))

    def work(self, start: int, stop: int) -> None:
        """Compute a strip and pass it on. Strips come in order."""
        self.write(start, self.source.rows(start, stop))


Passes = Generator[Pass, None, Rows]  # yields what must be worked on, and then returns the layer's rows


class StyledLayer:
    """A layer with what follows it: ReLU of a bias, or a norm in a style and ReLU or not."""

    def __init__(self, layer: Layer, layout: PixelLayout = PLAIN, stride: int = 1) -> None:
        self._strips = StripLayer(layer, layout, stride)
        self._after = layer.after

    def measured(self, source: Rows, style: Array) -> Passes:
        """Measure the norm, and compute the layer anew whenever its rows are asked for."""
        if not isinstance(self._after, StyleNorm):
            return Convolved(source, self._strips, bias=self._after)
        scale, shift = self._numbers(self._after, style)
        sign, moments = _sign(scale), Moments(len(scale))
        yield Pass(Convolved(source, self._strips, sign=sign), moments.write)
        factor = moments.factor(scale)
        bias = _relu_bias(factor, shift) - moments.mean
        return Convolved(source, self._strips, sign=sign, bias=bias, factor=factor)

    def kept(self, source: Rows, style: Array, *, relu: bool = True) -> Passes:
        """Compute the layer once, and keep it. Without ReLU, the shift is left out of the norm as well."""
        if not isinstance(self._after, StyleNorm):
            return Convolved(source, self._strips, bias=self._after)  # needs no statistics, so nothing kept
        scale, shift = self._numbers(self._after, style)
        bare = Convolved(source, self._strips, sign=_sign(scale))
        kept = KeptRows(bare)
        yield Pass(bare, kept.write)
        factor = kept.moments.factor(scale)
        bias = (_relu_bias(factor, shift) if relu else 0) - kept.moments.mean
        return NormedRows(kept, factor, bias, relu=relu)

    def shift(self, style: Array) -> Array:
        """Return the shift of the norm."""
        assert isinstance(self._after, StyleNorm), "the layer ends in a norm"
        return _apply(self._after.shift, style)

    @staticmethod
    def _numbers(norm: StyleNorm, style: Array) -> tuple[Array, Array]:
        return _apply(norm.scale, style), _apply(norm.shift, style)


def _apply(head: Head, style: Array) -> Array:
    numbers: Array = style @ head.matrix + head.bias
    return numbers


def _sign(scale: Array) -> Array:
    sign: Array = np.where(scale < 0, -1, 1).astype(np.float32)
    return sign


def _relu_bias(factor: Array, shift: Array) -> Array:
    return np.asarray(shift / np.maximum(factor, LEAST_FACTOR), np.float32)
