"""One picture of the corpus, and the pixels that it is made from."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from skimage import data

Pixels = NDArray[Any]

# Where Pillow shows something else than the file says, the file's own samples are the measure.
EXCEPTIONS = {
    "16-bit grey": "Pillow clips 16-bit grey at 255 when it becomes color; here it is scaled",
    "transparent color": "Pillow compares a transparent color of 1, 2, 4 or 16 bits with samples of 8 bits",
    "gif screen": "Pillow paints the bare screen of a GIF in a color; browsers leave it transparent",
    "metadata": "Pillow refuses the picture for metadata that its pixels do not need",
    "big-endian BigTIFF": "Pillow does not open it",
}

REFUSALS = {  # of installed pictures, by the error's code
    "image_too_small": "below the least side of the model",
    "unsupported_image_format": "samples of an instrument, which have no defined brightness",
}


@dataclass(frozen=True, slots=True)
class Case:
    """A picture, made when it is wanted."""

    name: str
    make: Callable[[], bytes]
    truth: Callable[[], Pixels] | None = None  # upright (h, w, 4), 8 bits; None: what Pillow shows
    exception: str = ""  # a key of EXCEPTIONS, with `truth`

    @property
    def family(self) -> str:
        """The first word of the name: a format, or "installed"."""
        return self.name.split()[0]


@cache
def _photo() -> Pixels:
    return np.asarray(data.astronaut())


def rgba(width: int, height: int, seed: int = 0) -> Pixels:
    """Return a part of a photo, (height, width, 4), with soft, hard, hidden and opaque places."""
    random = np.random.default_rng(seed)
    top, left = (
        int(random.integers(0, 512 - min(512, side))) if side < 512 else 0 for side in (height, width)
    )
    part = _photo()[top : top + height, left : left + width]
    if part.shape[:2] != (height, width):
        part = np.asarray(Image.fromarray(part).resize((width, height)))
    rows, columns = np.mgrid[:height, :width]
    alpha = np.clip((rows / height + columns / width) * 200 - 40, 0, 255).astype(np.uint8)
    alpha[: height // 4, : width // 4] = 0
    return np.dstack([part, alpha])


def turned(upright: Pixels, orientation: int) -> Pixels:
    """Return the pixels as a file stores them that the orientation, 1 to 8, turns upright."""
    flipped = {2: upright[:, ::-1], 4: upright[::-1], 3: upright[::-1, ::-1]}
    if orientation < 5:
        return np.ascontiguousarray(flipped.get(orientation, upright))
    across = {5: upright, 6: upright[:, ::-1], 7: upright[::-1, ::-1], 8: upright[::-1]}[orientation]
    return np.ascontiguousarray(across.swapaxes(0, 1))
