"""Photos and a style to work on, all different, the same in every run."""

from io import BytesIO

import numpy as np
from PIL import Image
from skimage import data

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")


def photo(number: int, side: int) -> bytes:
    """Return a JPEG square cut out of a photo; each number gives another."""
    random = np.random.default_rng(number)
    source = Image.fromarray(getattr(data, PHOTOS[number % len(PHOTOS)])())
    cut = int(min(source.size) * random.uniform(0.6, 1.0))
    left, top = (int(random.integers(0, edge - cut + 1)) for edge in source.size)
    return _jpeg(source.crop((left, top, left + cut, top + cut)).resize((side, side)))


def style() -> bytes:
    """Return a JPEG to paint in the manner of."""
    return _jpeg(Image.fromarray(data.immunohistochemistry()))


def _jpeg(image: Image.Image) -> bytes:
    buffer = BytesIO()
    image.save(buffer, "JPEG", quality=90)
    return buffer.getvalue()
