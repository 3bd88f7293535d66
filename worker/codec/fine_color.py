"""Samples of 16 bits in a wide color space to sRGB of 8 bits, rounded once, at the end.

Pillow decodes color of 16 bits to 8, and its color engine gets no more. In a wide or linear space 8 bits are
too few: a smooth sky comes out in bands. So such a picture is decoded twice, for upper and for lower bytes.
"""

import struct
from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from PIL.ImageFile import ImageFile

Fine = NDArray[np.uint16]
ConvertFine = Callable[[Image.Image, Image.Image], Image.Image]  # upper and lower bytes to sRGB

MOST_PIXELS = 40_000_000  # above, upper bytes must do: the lower ones take four bytes a pixel
_LEVELS = 65_536
# How Pillow names the bytes of a sample, and what makes it take the other ones.
_OTHER_BYTES = {
    f"{mode};16{one}": f"{mode};16{other}" for mode in ("RGB", "RGBA") for one, other in ("BL", "LB", "NB")
}
_LINEAR_SRGB = np.array([[0.4360747, 0.3850649, 0.1430804], [0.2225045, 0.7168786, 0.0606169],
                         [0.0139322, 0.0971045, 0.7141733]])  # in the space of profiles, D50  # fmt: skip
_COLORANTS, _CURVES = (b"rXYZ", b"gXYZ", b"bXYZ"), (b"rTRC", b"gTRC", b"bTRC")
_TABLES = (b"A2B0", b"A2B1", b"A2B2")  # count before the curves
_POWERS = {0: 1, 1: 3, 2: 4, 3: 5, 4: 7}  # parameters of a curve, by its kind


def with_other_bytes(image: Image.Image) -> ImageFile | None:
    """Return an opened, not yet loaded file once more, to be loaded with the samples' lower bytes.

    None where it has no color of 16 bits, or is too large.
    """
    if not isinstance(image, ImageFile) or not isinstance(image.fp, BytesIO) or not image.tile:
        return None
    name = _OTHER_BYTES.get(_raw_mode(image.tile[0].args))
    if name is None or image.width * image.height > MOST_PIXELS:
        return None
    again: ImageFile = type(image)(BytesIO(image.fp.getvalue()))
    again.tile = [tile._replace(args=_with_raw_mode(tile.args, name)) for tile in again.tile]
    return again


def _raw_mode(args: Any) -> str:
    return str(args[0] if isinstance(args, tuple) else args)


def _with_raw_mode(args: Any, name: str) -> Any:
    return (name, *args[1:]) if isinstance(args, tuple) else name


def fine_converter(profile: bytes) -> ConvertFine | None:
    """Return what converts by a profile of three curves and three colors; None for a profile of another kind.

    Such a profile means the same by every intent.
    """
    tags = _tags(profile)
    if profile[16:20] != b"RGB " or any(name in tags for name in _TABLES):
        return None
    if not all(name in tags for name in (*_COLORANTS, *_CURVES)):
        return None
    curves = [_curve(tags[name]) for name in _CURVES]
    columns = [struct.unpack_from(">3i", tags[name], 8) for name in _COLORANTS]
    matrix = np.linalg.solve(_LINEAR_SRGB, np.array(columns).T / 65_536).astype(np.float32)
    encoded = _srgb_levels()

    def convert(upper: Image.Image, lower: Image.Image) -> Image.Image:
        samples = np.asarray(upper).astype(np.uint16) << 8 | np.asarray(lower)
        light = np.stack([curves[at][samples[..., at]] for at in range(3)], axis=-1) @ matrix.T
        return Image.fromarray(encoded[np.rint(np.clip(light, 0, 1) * (_LEVELS - 1)).astype(np.uint16)])

    return convert


def _tags(profile: bytes) -> dict[bytes, bytes]:
    (count,) = struct.unpack_from(">I", profile, 128)
    places = (struct.unpack_from(">4sII", profile, 132 + 12 * at) for at in range(min(count, 100)))
    return {name: profile[start : start + length] for name, start, length in places}


def _curve(tag: bytes) -> NDArray[np.float32]:
    """Return the light of each of the 65,536 levels, 0 to 1."""
    levels = np.linspace(0, 1, _LEVELS)
    (kind,) = struct.unpack_from(">H", tag, 8)
    if tag[:4] == b"para":
        numbers = struct.unpack_from(f">{_POWERS[kind]}i", tag, 12)
        return _power(levels, *(number / 65_536 for number in numbers)).astype(np.float32)
    if tag[:4] != b"curv":
        raise ValueError("a curve of a kind that is not known")
    (count,) = struct.unpack_from(">I", tag, 8)
    values = np.frombuffer(tag, ">u2", count, 12)
    if count < 2:
        return np.asarray(levels ** (values[0] / 256 if count else 1.0), np.float32)
    return np.interp(levels, np.linspace(0, 1, count), values / 65_535).astype(np.float32)


def _power(
    level: NDArray[np.float64], g: float, a: float = 1, b: float = 0, c: float | None = None,
    d: float | None = None, e: float = 0, f: float = 0,
) -> NDArray[np.float64]:  # fmt: skip
    """Return ICC's parametric curve: a power from `d` on, a line below."""
    if d is None:  # kinds 0 to 2: level below the power's zero is `c`
        return np.maximum(a * level + b, 0) ** g + (c or 0)
    return np.where(level >= d, np.maximum(a * level + b, 0) ** g + e, (c or 0) * level + f)


def _srgb_levels() -> NDArray[np.uint8]:
    """Return the level of 8 bits, rounded, of each of 65,536 steps of light."""
    light = np.linspace(0, 1, _LEVELS)
    level = np.where(light <= 0.0031308, 12.92 * light, 1.055 * light ** (1 / 2.4) - 0.055)
    rounded: NDArray[np.uint8] = np.rint(255 * level).astype(np.uint8)
    return rounded
