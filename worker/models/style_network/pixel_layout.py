"""Moves pixels between memory layouts, padding on the way, by one gather each."""

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
        """Say where rows begin, in pixels; -ring is the first stored row."""
        row, across = rows + self.ring, (width + 2 * self.ring) // self.columns
        return row // self.rows * (across * self.rows * self.columns) + row % self.rows * self.columns

    def column_offsets(self, columns: Tensor) -> Tensor:
        """Say how far columns are from the begin of their row, in pixels; -ring is the first stored one."""
        column = columns + self.ring
        return column // self.columns * (self.rows * self.columns) + column % self.columns


PLAIN = PixelLayout()


@dataclass(frozen=True, slots=True)
class Move:
    """Where each pixel of the new layout comes from; serves every tensor of the same size and layout."""

    index: Tensor  # int32 (cells down, cells across, rows, columns): positions in the old layout

    @classmethod
    def between(
        cls, source: PixelLayout, target: PixelLayout, rows: Tensor, columns: Tensor, width: Tensor
    ) -> "Move":
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
    """Positions -margin .. size + margin - 1, those outside brought to the first and last pixel."""
    return tf.clip_by_value(tf.range(-margin, size + margin), 0, size - 1)
