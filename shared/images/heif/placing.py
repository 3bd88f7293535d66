"""How the pixels of a HEIC or AVIF picture are shown: cut, turned and mirrored, in the order that is stated.

EXIF in such a file says how its camera was held, and turns nothing: the boxes have turned it already.
"""

import struct
from dataclasses import dataclass

from shared.images.heif.items import Item
from shared.images.structure import Unreadable

Box = tuple[int, int, int, int]  # left, top, right, bottom; pixels

KNOWN_PLACING = frozenset({b"clap", b"irot", b"imir"})
# What EXIF's orientations do to a point (x, y) around the middle: (a, b, c, d) leads to (ax + by, cx + dy),
# y downward.
_MOVES = {
    1: (1, 0, 0, 1), 2: (-1, 0, 0, 1), 3: (-1, 0, 0, -1), 4: (1, 0, 0, -1),
    5: (0, 1, 1, 0), 6: (0, -1, 1, 0), 7: (0, -1, -1, 0), 8: (0, 1, -1, 0),
}  # fmt: skip
_NAMES = {move: orientation for orientation, move in _MOVES.items()}
_BY_QUARTERS = (1, 8, 3, 6)  # turned against the clock
_MIRRORED = (4, 2)  # upside down, left and right


@dataclass(frozen=True, slots=True)
class Placing:
    """What is shown of the stored pixels, and which way up."""

    crop: Box | None = None
    orientation: int = 1  # as EXIF counts


def placing_of(item: Item, size: tuple[int, int]) -> Placing:
    """Return how an item is shown; Unreadable where it is cut after it is turned, or to nothing."""
    crop, orientation = None, 1
    for each in item.properties:
        if each.kind == b"clap":
            if orientation != 1 or crop:
                raise Unreadable("its picture is cut in an order that is not read")
            crop = _cut(bytes(each.body), size)
        elif each.kind == b"irot":
            orientation = _then(orientation, _BY_QUARTERS[each.body[0] & 3])
        elif each.kind == b"imir":
            orientation = _then(orientation, _MIRRORED[each.body[0] & 1])
    return Placing(crop, orientation)


def _then(first: int, second: int) -> int:
    a, b, c, d = _MOVES[second]
    e, f, g, h = _MOVES[first]
    return _NAMES[a * e + b * g, a * f + b * h, c * e + d * g, c * f + d * h]


def _cut(body: bytes, size: tuple[int, int]) -> Box | None:
    """Return the clean aperture: its size and its middle's distance from the middle, as fractions."""
    numbers = struct.unpack_from(">IIIIiIiI", body)
    if 0 in numbers[1::2]:
        raise Unreadable("its header is damaged")
    width, height = numbers[0] // numbers[1], numbers[2] // numbers[3]
    left = round((size[0] - width) / 2 + numbers[4] / numbers[5])
    top = round((size[1] - height) / 2 + numbers[6] / numbers[7])
    box = left, top, left + width, top + height
    if not (0 <= left < box[2] <= size[0] and 0 <= top < box[3] <= size[1]):
        raise Unreadable("its header is damaged")
    return None if box == (0, 0, *size) else box
