"""Scales a picture that is made from top to bottom, without ever holding all of it."""

import numpy as np
from PIL import Image

from worker.codec.pixels import Pixels, source_rows, strips


class SizedRows:
    """Fills a picture of an exact size from rows of a larger or smaller one, by Lanczos.

    However the rows are cut into pieces, the result is the same.
    """

    def __init__(self, height: int, picture: Pixels) -> None:
        """Take how many rows will come in all, and the picture (h, w, 3) that is filled."""
        self.picture = picture
        self._height = height
        self._scale = height / len(picture)
        self._waiting = list(strips(len(picture)))
        self._kept = np.empty((0, 0, 3), np.uint8)
        self._begin = 0  # the number of the first row that is kept

    def take(self, rows: Pixels) -> None:
        """Take the next rows, and fill in what can be made of them."""
        self._kept = np.concatenate([self._kept, rows]) if len(self._kept) else rows
        end = self._begin + len(self._kept)
        while self._waiting and (source := self._source(self._waiting[0])).stop <= end:
            self._fill(self._waiting.pop(0), source)
        if self._waiting:
            begin = min(end, self._source(self._waiting[0]).start)
            self._kept, self._begin = self._kept[begin - self._begin :], begin

    def _source(self, rows: slice) -> slice:
        return source_rows(rows, self._scale, self._height)

    def _fill(self, rows: slice, source: slice) -> None:
        read = self._kept[source.start - self._begin : source.stop - self._begin]
        top, bottom = rows.start * self._scale - source.start, rows.stop * self._scale - source.start
        size = (self.picture.shape[1], rows.stop - rows.start)
        box = (0.0, top, float(read.shape[1]), min(bottom, float(len(read))))
        self.picture[rows] = np.asarray(Image.fromarray(read).resize(size, Image.Resampling.LANCZOS, box))
