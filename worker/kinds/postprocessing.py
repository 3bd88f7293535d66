"""What happens to a painted picture before it is encoded: detail, color, mask, strength, steadiness."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from worker.codec.pixels import luminance, resize, resize_rows, strips
from worker.execution.resources import Pixels

_LUMA = np.array([0.299, 0.587, 0.114], np.float32)  # ITU-R BT.601
_STILL = 12.0  # levels of 255: a change of the content much above this is motion

Floats = npt.NDArray[np.floating[Any]]


@dataclass(frozen=True, slots=True, eq=False)
class Finish:
    """What a job wants done to its painted pictures."""

    strength: float = 1.0  # 0 gives the content, 1 the painting
    preserve_color: bool = False
    mask: Pixels | None = None  # (h, w): 255 is painted, 0 stays

    @property
    def is_plain(self) -> bool:
        """Whether the painting itself is the result."""
        return self.strength == 1 and not self.preserve_color and self.mask is None


def finish(content: Pixels, painted: Pixels, asked: Finish, out: Pixels | None = None) -> Pixels:
    """Return the result (h, w, 3) from content and painting of the same size, in `out` where it is given.

    `out` may be the painting itself: of a large picture there should be no copy more than needed.
    """
    if asked.is_plain:
        return painted
    result = np.empty_like(painted) if out is None else out
    for rows in strips(len(content)):
        result[rows] = _round(_finish_rows(content, painted, asked, rows))
    return result


def _finish_rows(content: Pixels, painted: Pixels, asked: Finish, rows: slice) -> Floats:
    before: Floats = content[rows].astype(np.float32)
    after: Floats = painted[rows].astype(np.float32)
    if asked.preserve_color:
        after = before + ((after - before) @ _LUMA)[..., None]
    share: Any = np.float32(asked.strength)
    if asked.mask is not None:
        share = share * (asked.mask[rows].astype(np.float32) / 255)[..., None]
    result: Floats = before + (after - before) * share
    return result


def enlarge(painted: Pixels, content: Pixels) -> Pixels:
    """Bring a painting up to the content's size, with the content's fine detail.

    What the content loses by going down to the painting's size and up again, its finest level of a Laplacian
    pyramid (Burt and Adelson 1983), is added to the enlarged painting, in luminance alone: strokes keep their
    colors, and edges are sharp again.
    """
    size = content.shape[1], content.shape[0]
    fine = np.empty(content.shape[:2], np.uint8)
    for rows in strips(len(fine)):
        fine[rows] = luminance(content[rows])
    small = Image.fromarray(painted)
    coarse = Image.fromarray(resize(fine, *small.size))
    result = np.empty_like(content)
    for rows in strips(len(fine)):
        detail = np.subtract(fine[rows], resize_rows(coarse, rows, *size), dtype=np.int16)
        large = resize_rows(small, rows, *size)
        np.clip(large + detail[..., None], 0, 255, out=result[rows], casting="unsafe")
    return result


def steady(current: Pixels, before: Pixels, *, change: Pixels, keep: float) -> Pixels:
    """Return a frame that flickers less: where the content does not move, it keeps `keep` of the one before.

    `change` is the absolute difference of the two contents, (h, w, 3).
    """
    motion = change.max(axis=2).astype(np.float32)
    share = (keep * np.exp(-((motion / _STILL) ** 2)))[..., None]
    return _round(current + (before.astype(np.float32) - current) * share)


def _round(values: Floats) -> Pixels:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
