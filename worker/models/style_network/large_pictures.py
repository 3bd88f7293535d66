"""Paints pictures that are too large for `fast` to hold: layer by layer, strip by strip.

A strip of a layer is computed from the rows of the layer before, those around it included, and padding
happens at the picture's borders alone; a norm's statistics are gathered over the whole picture before any of
it is normed. So it is one picture and not tiles, and nothing shows where strips meet. What is needed again
later is kept as float16, or computed once more where that is cheap and keeping it is not: the layers at the
picture's full size. Strips depend on the picture's size alone, so the same picture gives the same bytes on
every machine.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import tensorflow as tf

from worker.models.style_network.fast import first_layout
from worker.models.style_network.folded_norm import LEAST_FACTOR
from worker.models.style_network.pixel_layout import CELLS, CORNERS, PLAIN, PixelLayout
from worker.models.style_network.strip_layer import StripLayer
from worker.models.style_network.strip_rows import (
    Convolved,
    KeptRows,
    Moments,
    NormedRows,
    PictureRows,
    Pixels,
    Rows,
    SettledRows,
)
from worker.models.style_network.weights import Array, Head, Layer, StyleNorm, TransformerWeights

OnStep = Callable[[int, int], None]  # steps done, and all; may raise to end the painting
# Runs one step, perhaps on another thread, and returns when it is done.
Run = Callable[[Callable[[], None]], Any]

STRIP_VALUES = 1 << 22  # float32 numbers in the largest tensor of a strip; some five such live at once
_ROWS = 4  # a strip's height is a multiple
_TURN_SECONDS = 0.1  # after which a picture that waits for its turn checks again whether it is still wanted
_turn = threading.Lock()  # one picture at a time, so that the process's memory is bounded


@dataclass(frozen=True, slots=True, eq=False)
class Pass:
    """One pass over all rows of a layer."""

    source: Rows
    write: Callable[[int, Any], None]  # takes the number of the first row, and the rows' values

    def strips(self, values: int) -> list[tuple[int, int]]:
        """Return each strip's first row and the one after its last; no tensor holds many more values."""
        rows = max(values // self.source.row_values // _ROWS, 1) * _ROWS
        return list(pairwise([*range(0, self.source.height, rows), self.source.height]))

    def work(self, start: int, stop: int) -> None:
        """Compute a strip and pass it on. Strips come in order."""
        self.write(start, self.source.rows(start, stop))


Passes = Generator[Pass, None, Rows]  # yields the passes to work through, and then returns the layer's rows


class StyledLayer:
    """A layer with what follows it: a bias and ReLU, or a norm in a style with or without ReLU."""

    def __init__(self, layer: Layer, layout: PixelLayout = PLAIN, stride: int = 1) -> None:
        self._strips = StripLayer(layer, layout, stride)
        self._after = layer.after

    def measured(self, source: Rows, style: Array) -> Passes:
        """Measure the norm, and compute the layer again each time its rows are asked for."""
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
            return Convolved(source, self._strips, bias=self._after)  # without statistics nothing is kept
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


class LargePainter:
    """A transformer for large pictures: the pictures of `FastTransformer` up to the rounding of float16."""

    def __init__(self, weights: TransformerWeights, strip_values: int = STRIP_VALUES) -> None:
        self._strip_values = strip_values
        first, second, third = weights.contract
        self._contract = (
            StyledLayer(first, first_layout(first)),
            StyledLayer(second, stride=2),
            StyledLayer(third, stride=2),
        )
        self._residual = tuple((StyledLayer(one), StyledLayer(two)) for one, two in weights.residual)
        first, second, third = weights.expand
        self._expand = (StyledLayer(first, CORNERS), StyledLayer(second, CORNERS), StyledLayer(third, CELLS))

    def paint(self, picture: Pixels, style: Array, on_step: OnStep, run: Run = lambda step: step()) -> Pixels:
        """Paint a picture (h, w, 3) of at least 8 pixels a side in the style of a vector (style size,).

        One picture a process at a time: others wait for their turn, and call `on_step(0, total)` meanwhile.
        What is kept takes 14 bytes a pixel at most in magenta-mobile, 20 in multistyle-26. All computation
        goes through `run`, in steps of some tens of milliseconds, so that other work can come between.
        """
        size = self._strip_values
        total = sum(len(each.strips(size)) for each in self._passes(picture, style, picture))
        with _one_at_a_time(lambda: on_step(0, total)):
            result, done = np.empty_like(picture), 0
            for each in self._passes(picture, style, result):
                for start, stop in each.strips(size):
                    run(partial(each.work, start, stop))
                    done += 1
                    on_step(done, total)
        return result

    def _passes(self, picture: Pixels, style: Array, result: Pixels) -> Iterator[Pass]:
        """Yield the passes in order. `rows` is bound again as soon as a layer is not needed any more."""
        rows: Rows = yield from self._trunk(PictureRows(picture), style)
        first, second, last = self._expand
        rows = yield from first.kept(rows, style)
        rows = yield from second.measured(rows, style)
        rows = yield from last.kept(rows, style, relu=False)
        yield Pass(SettledRows(rows), partial(_write_pixels, result, last.shift(style)))

    def _trunk(self, rows: Rows, style: Array) -> Generator[Pass, None, KeptRows]:
        first, *halving = self._contract
        rows = yield from first.measured(rows, style)
        for layer in halving:
            rows = yield from layer.kept(rows, style)
        trunk = KeptRows(rows)
        yield Pass(SettledRows(rows), trunk.write)
        del rows
        for one, two in self._residual:
            yield from _block(trunk, one, two, style)
        return trunk


def _block(trunk: KeptRows, one: StyledLayer, two: StyledLayer, style: Array) -> Iterator[Pass]:
    """Add a residual block to the trunk."""
    middle = yield from one.kept(trunk, style)
    branch = yield from two.kept(middle, style, relu=False)
    yield Pass(SettledRows(branch, trunk), trunk.replace)


def _write_pixels(result: Pixels, shift: Array, start: int, values: Any) -> None:
    """Write rows of the last layer, without those that only filled the picture up to the grid."""
    strip = result[start : start + int(values.shape[1])]
    painted = tf.sigmoid(tf.nn.bias_add(values, shift))
    strip[:] = tf.cast(tf.round(painted * 255), tf.uint8)[0, : strip.shape[0], : strip.shape[1]]


@contextmanager
def _one_at_a_time(waiting: Callable[[], None]) -> Iterator[None]:
    while not _turn.acquire(timeout=_TURN_SECONDS):
        waiting()
    try:
        yield
    finally:
        _turn.release()
