"""Photos and styles to work on, all different, the same in every run."""

from io import BytesIO
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")
SIDES = (384, 512, 640, 768, 1024)  # of the longer side, pixels: none below what the network works at
SHAPES = (1.0, 4 / 3, 3 / 2, 3 / 4)  # width by height
STYLES = ("immunohistochemistry", "retina", "hubble_deep_field", "coffee")
STYLE_SIDE = 256


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


def pair(number: int, side: int) -> tuple[Image.Image, Image.Image]:
    """Return a photo cut to side x side and a style picture; each number gives other ones."""
    content = _cut(PHOTOS[number % len(PHOTOS)], number, side, side)
    style = STYLES[number // len(PHOTOS) % len(STYLES)]
    return content, _cut(style, number, STYLE_SIDE, STYLE_SIDE)


def write_photos(folder: Path, numbers: range) -> list[Path]:
    """Write the JPEG photos of these numbers; return their paths in order."""
    folder.mkdir()
    paths = [folder / f"photo-{number:04d}.jpg" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        side, shape = SIDES[number % len(SIDES)], SHAPES[number // len(SIDES) % len(SHAPES)]
        width, height = (side, round(side / shape)) if shape >= 1 else (round(side * shape), side)
        _cut(PHOTOS[number % len(PHOTOS)], number, width, height).save(path, quality=90)
    return paths


def write_styles(folder: Path, numbers: range) -> list[Path]:
    """Write JPEG squares to paint in the manner of; return their paths in order."""
    folder.mkdir()
    paths = [folder / f"style-{number:04d}.jpg" for number in numbers]
    for number, path in zip(numbers, paths, strict=True):
        _cut(STYLES[number % len(STYLES)], number, STYLE_SIDE, STYLE_SIDE).save(path, quality=90)
    return paths


def _cut(name: str, number: int, width: int, height: int) -> Image.Image:
    """Return a part of a picture in the wanted shape; each number gives another."""
    random = np.random.default_rng(number)
    source = Image.fromarray(getattr(data, name)()).convert("RGB")
    scale = random.uniform(0.6, 1.0) * min(source.width / width, source.height / height)
    size = (int(width * scale), int(height * scale))
    left, top = (int(random.integers(0, edge - cut + 1)) for edge, cut in zip(source.size, size, strict=True))
    return source.crop((left, top, left + size[0], top + size[1])).resize((width, height))
