"""Scales a picture that is made from top to bottom, without ever holding all of it."""

import numpy as np
from PIL import Image
from PIL.Image import Resampling

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
        self._kept = np.empty((0, picture.shape[1], 3), np.uint8)  # at the result's width
        self._begin = 0  # the number of the first row that is kept

    def take(self, rows: Pixels) -> None:
        """Take the next rows, and fill in what can be made of them."""
        if not len(rows):
            return
        # Each direction by itself: Pillow would choose which comes first by the size of each piece.
        wide = Image.fromarray(rows).resize((self.picture.shape[1], len(rows)), Resampling.LANCZOS)
        self._kept = np.concatenate([self._kept, np.asarray(wide)])
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
        top, bottom = (edge * self._scale - source.start for edge in (rows.start, rows.stop))
        width = self.picture.shape[1]
        box = (0.0, top, float(width), min(bottom, float(len(read))))
        size = (width, rows.stop - rows.start)
        self.picture[rows] = np.asarray(Image.fromarray(read).resize(size, Resampling.LANCZOS, box))
