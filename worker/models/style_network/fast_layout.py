"""The paddings and layout changes of the fast transformer, for one size of picture."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from worker.models.style_network.pixel_layout import PLAIN, Move, PixelLayout, reflected, repeated

Tensor = Any  # TensorFlow ships no types

CELLS = PixelLayout(rows=2, columns=4)  # of the outputs of 9 x 9 layers of few channels
SMALL_CELLS = PixelLayout(rows=2, columns=2)  # where the channels are many, these are enough
CORNERS = PixelLayout(rows=2, columns=2, ring=1)  # of the enlarging layers' outputs
_REACH = 4  # pixels that a 9 x 9 kernel reaches beyond its own


@dataclass(frozen=True, slots=True, eq=False)
class Moves:
    """From each layer's output to the padded input of the next, in the order of the layers."""

    begin: Move  # from the picture
    halve: Move
    halve_again: Move
    block: Move  # before each layer of the residual blocks
    enlarge: Move
    enlarge_again: Move
    finish: Move
    end: Move  # to the picture; moves a cell's row as one pixel

    @classmethod
    def of(cls, shape: Tensor, first: PixelLayout) -> Moves:
        """Make the moves for a picture of this shape, (h, w, ...), given the first layer's layout."""
        whole, half, quarter = (_Size(shape[0] // by, shape[1] // by) for by in (1, 2, 4))
        return cls(
            begin=whole.reflect(PLAIN, first, _REACH, _REACH),
            halve=whole.reflect(first, PLAIN, 1, 0),  # with stride 2 the last row and column are not padded
            halve_again=half.reflect(PLAIN, PLAIN, 1, 0),
            block=quarter.reflect(PLAIN, PLAIN, 1, 1),
            enlarge=quarter.repeat(),
            enlarge_again=half.with_ring(),
            finish=whole.reflect(CORNERS, CELLS, _REACH, _REACH),
            end=_Size(shape[0], shape[1] // CELLS.columns).reflect(PixelLayout(rows=CELLS.rows), PLAIN, 0, 0),
        )


@dataclass(frozen=True, slots=True, eq=False)
class _Size:
    height: Tensor
    width: Tensor

    def reflect(self, source: PixelLayout, target: PixelLayout, before: int, after: int) -> Move:
        rows, columns = (reflected(side, before, after) for side in (self.height, self.width))
        return Move.between(source, target, rows, columns, self.width)

    def repeat(self) -> Move:
        rows, columns = repeated(self.height, 1), repeated(self.width, 1)
        return Move.between(PLAIN, PLAIN, rows, columns, self.width)

    def with_ring(self) -> Move:
        """Keep the ring of the corners: it is the padding that the next enlarging layer wants."""
        rows, columns = (tf.range(-1, side + 1) for side in (self.height, self.width))
        return Move.between(CORNERS, PLAIN, rows, columns, self.width)
