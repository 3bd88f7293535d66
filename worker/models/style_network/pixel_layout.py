"""Moves pixels between memory layouts and pads them, each time by one gather.

`Moves` holds all moves of the fast transformer for one size of picture.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import tensorflow as tf

Tensor = Any  # TensorFlow ships no types


@dataclass(frozen=True, slots=True)
class PixelLayout:
    """How the pixels of a picture lie in memory: in cells, row by row, and so are the pixels in a cell.

    A tensor in a layout has shape (1, cells down, cells across, rows * columns * channels).
    """

    rows: int = 1  # pixels of a cell, downward
    columns: int = 1  # pixels of a cell, across
    ring: int = 0  # pixels stored around the picture on each side

    def row_offsets(self, rows: Tensor, width: Tensor) -> Tensor:
        """Return where rows begin, in pixels; -ring is the first stored row."""
        row, across = rows + self.ring, (width + 2 * self.ring) // self.columns
        return row // self.rows * (across * self.rows * self.columns) + row % self.rows * self.columns

    def column_offsets(self, columns: Tensor) -> Tensor:
        """Return how far columns are from the begin of a row, in pixels; -ring is the first stored one."""
        column = columns + self.ring
        return column // self.columns * (self.rows * self.columns) + column % self.columns


PLAIN = PixelLayout()
CELLS = PixelLayout(rows=2, columns=4)  # of the outputs of 9 x 9 layers of few channels
SMALL_CELLS = PixelLayout(rows=2, columns=2)  # where the channels are many, these are enough
CORNERS = PixelLayout(rows=2, columns=2, ring=1)  # of the enlarging layers' outputs
_REACH = 4  # pixels that a 9 x 9 kernel reaches beyond its own


@dataclass(frozen=True, slots=True)
class Move:
    """Where each pixel of the new layout comes from; serves every tensor of the same size and layout."""

    index: Tensor  # int32 (cells down, cells across, rows, columns): positions in the old layout

    @classmethod
    def between(
        cls, source: PixelLayout, target: PixelLayout, rows: Tensor, columns: Tensor, width: Tensor
    ) -> Move:
        """Take these rows and columns of a picture, which may repeat, in this order, to another layout.

        The numbers of rows and columns must be multiples of the target's cell; width is the picture's.
        """
        down = tf.reshape(source.row_offsets(rows, width), (-1, 1, target.rows, 1))
        across = tf.reshape(source.column_offsets(columns), (1, -1, 1, target.columns))
        return cls(down + across)

    def __call__(self, values: Tensor, channels: int) -> Tensor:
        """Return the moved pixels of a tensor in the old layout."""
        moved = tf.gather(tf.reshape(values, (-1, channels)), self.index)
        cells, inside = tf.shape(self.index)[:2], self.index.shape[2:].num_elements()
        return tf.reshape(moved, (1, cells[0], cells[1], inside * channels))


def reflected(size: Tensor, before: int, after: int) -> Tensor:
    """Positions -before .. size + after - 1, those outside mirrored at the first and last pixel."""
    positions, last = tf.abs(tf.range(-before, size + after)), size - 1
    return last - tf.abs(last - positions)


def repeated(size: Tensor, margin: int) -> Tensor:
    """Positions -margin .. size + margin - 1, those outside moved to the first and last pixel."""
    return tf.clip_by_value(tf.range(-margin, size + margin), 0, size - 1)


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
        """Keep the ring of the corners: it is the padding that the next enlarging layer needs."""
        rows, columns = (tf.range(-1, side + 1) for side in (self.height, self.width))
        return Move.between(CORNERS, PLAIN, rows, columns, self.width)
