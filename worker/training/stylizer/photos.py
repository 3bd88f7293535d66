"""The photos of a folder: looked through once, then squares cut out of them, fixed by seed and number.

Photos are read as those of jobs are: upright, in sRGB, within the same limits. They are decoded when a square
is cut out, and not kept, so that a folder may be larger than memory.
"""

import hashlib
import os
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.errors import AtelierError, InvalidRequest
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from worker.codec.decode import decode
from worker.codec.pixels import WHITE, compose, resize, to_float
from worker.training.data import image_files

Pixels = NDArray[np.uint8]
OnSkip = Callable[[Path, str], None]  # called with a photo that is left out, and why

LEAST_SHARE = 0.5  # of a photo's shorter side that a square has
_LIMITS = ImageLimits()
_HEIC = (".heic", ".heif", ".hif")


@dataclass(frozen=True, slots=True)
class Photo:
    """A photo that is large enough."""

    path: Path
    width: int  # pixels, upright
    height: int


class Photos:
    """The photos of a folder, by number."""

    def __init__(self, photos: Sequence[Photo], digest: str, on_skip: OnSkip) -> None:
        self.digest = digest  # sha256 of names and contents
        self._photos, self._on_skip = photos, on_skip
        self._damaged: set[int] = set()

    def __len__(self) -> int:
        return len(self._photos)

    def squares(self, *, side: int, seed: int, start: int) -> Iterator[NDArray[np.float32]]:
        """Yield squares (side, side, 3) in 0..1 without end, from number `start` on.

        Each epoch is a shuffle fixed by (seed, epoch), and a square's place, size and mirroring are fixed by
        (seed, number), so nothing depends on where a run began.
        """
        epoch, first = divmod(start, len(self))
        while True:
            order = np.random.default_rng([seed, epoch]).permutation(len(self))
            for place in range(first, len(self)):
                number = epoch * len(self) + place
                yield to_float(self._square(int(order[place]), side, [seed, number, side]))
            epoch, first = epoch + 1, 0

    def middles(self, count: int, side: int) -> list[Pixels]:
        """Return the middle of up to `count` photos, evenly spread over the folder: (side, side, 3) each."""
        chosen = np.linspace(0, len(self) - 1, min(count, len(self))).round().astype(int)
        return [self._square(int(index), side) for index in chosen]

    def _square(self, index: int, side: int, seeds: list[int] | None = None) -> Pixels:
        """Cut a square out of a photo, or out of the next one that is not damaged."""
        for step in range(len(self)):
            number = (index + step) % len(self)
            if number in self._damaged:
                continue
            try:
                # New for each: so it does not matter whether a damaged one was known before or found now.
                random = None if seeds is None else np.random.default_rng(seeds)
                return _cut(self._photos[number], random, side)
            except (AtelierError, OSError) as error:
                self._damaged.add(number)
                self._on_skip(self._photos[number].path, _reason(error))
        raise InvalidRequest.of_field("/photos", "no photo of the folder can be decoded")


def find_photos(folder: Path, *, least: int, on_skip: OnSkip) -> Photos:
    """Look through a folder and those below it; `least` is the shortest side that a photo may have, pixels.

    Files that are no images by their name are passed over; `on_skip` is told of images that cannot be used.
    Raises InvalidRequest where none is left.
    """
    if not folder.is_dir():
        raise InvalidRequest.of_field("/photos", f"{folder} is not a folder")
    files = image_files(folder, inside=True, also=_HEIC)
    if not files:
        raise InvalidRequest.of_field("/photos", f"{folder} holds no image files")
    found, digest = [], hashlib.sha256()
    for path in files:
        try:
            photo, content = _looked_at(path, least)
        except (AtelierError, OSError) as error:
            on_skip(path, _reason(error))
            continue
        found.append(photo)
        digest.update(os.fsencode(path.relative_to(folder)) + f"\0{content}\0".encode())
    if not found:
        detail = f"none of the {len(files)} images in {folder} can be used; each needs {least} pixels a side"
        raise InvalidRequest.of_field("/photos", detail)
    return Photos(found, digest.hexdigest(), on_skip)


def read_style(path: Path, side: int) -> tuple[Pixels, str]:
    """Return a style picture (h, w, 3), no side longer than `side`, and the sha256 of its file."""
    try:
        data = path.read_bytes()
        decoded = decode(data, _LIMITS)
    except (AtelierError, OSError) as error:
        text = f"{path} cannot be used as a style: {_reason(error)}"
        raise InvalidRequest.of_field("/style", text) from error
    factor = min(1.0, side / max(decoded.size))
    width, height = (max(8, round(length * factor)) for length in decoded.size)
    return resize(compose(decoded.rgb, decoded.alpha, WHITE), width, height), hashlib.sha256(data).hexdigest()


def _looked_at(path: Path, least: int) -> tuple[Photo, str]:
    data = path.read_bytes()
    info = probe(data, _LIMITS)
    if min(info.width, info.height) < least:
        raise InvalidRequest(f"it has {info.width} x {info.height} pixels, and a side needs {least}")
    return Photo(path, info.width, info.height), hashlib.sha256(data).hexdigest()


def _cut(photo: Photo, random: np.random.Generator | None, side: int) -> Pixels:
    """Return a square of a photo by chance, mirrored or not; without `random` the largest in the middle."""
    shorter = min(photo.width, photo.height)
    share = 1.0 if random is None else random.uniform(LEAST_SHARE, 1.0)
    cut = max(round(shorter * share), side)
    left, top = (
        (edge - cut) // 2 if random is None else int(random.integers(0, edge - cut + 1))
        for edge in (photo.width, photo.height)
    )
    is_mirrored = random is not None and random.random() < 0.5
    decoded = decode(
        photo.path.read_bytes(),
        _LIMITS,
        enough=lambda size: (ceil(size[0] * side / cut), ceil(size[1] * side / cut)),
    )
    pixels = compose(decoded.rgb, decoded.alpha, WHITE)
    across, down = pixels.shape[1] / photo.width, pixels.shape[0] / photo.height
    box = (left * across, top * down, (left + cut) * across, (top + cut) * down)
    square = np.asarray(Image.fromarray(pixels).resize((side, side), Image.Resampling.LANCZOS, box))
    return np.ascontiguousarray(square[:, ::-1]) if is_mirrored else square


def _reason(error: AtelierError | OSError) -> str:
    return error.detail if isinstance(error, AtelierError) else error.strerror or str(error)
