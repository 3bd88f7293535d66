"""Color profiles for pictures that name their colors by numbers (ITU-T H.273, `nclx`) instead of a profile.

Light brighter than white, which HDR pictures have, becomes white: the rest looks as on an HDR screen.
"""

import struct
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache

from shared.images.heif.items import Item

_PRIMARIES = {  # x and y of red, green, blue
    1: (0.640, 0.330, 0.300, 0.600, 0.150, 0.060),  # BT.709, of sRGB
    5: (0.640, 0.330, 0.290, 0.600, 0.150, 0.060),  # BT.601, 625 lines
    6: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070),  # BT.601, 525 lines
    7: (0.630, 0.340, 0.310, 0.595, 0.155, 0.070),
    9: (0.708, 0.292, 0.170, 0.797, 0.131, 0.046),  # BT.2020
    12: (0.680, 0.320, 0.265, 0.690, 0.150, 0.060),  # Display P3
}
_SRGB, _PQ, _HLG, _LINEAR, _GAMMA_22, _GAMMA_28 = 13, 16, 18, 8, 4, 5  # transfer characteristics
_D65 = 0.3127, 0.3290
_D65_TO_D50 = (  # Bradford's, as in ICC.1, annex E
    (1.0479298, 0.0229468, -0.0501922),
    (0.0296278, 0.9904344, -0.0170738),
    (-0.0092430, 0.0150551, 0.7518743),
)
_D50 = 0.9642, 1.0, 0.8249
_WHITE_NITS = 203.0  # of a picture's white on an HDR screen, ITU-R BT.2408
_STEPS = 1024  # of a curve
_Row = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Coding:
    """What the colors of a picture mean, by the numbers of ITU-T H.273."""

    primaries: int = 1
    transfer: int = _SRGB

    @classmethod
    def of(cls, item: Item) -> "Coding":
        """Return what an item states; sRGB where it states nothing."""
        for each in item.properties:
            if each.kind == b"colr" and bytes(each.body[:4]) == b"nclx":
                return cls(*struct.unpack_from(">HH", each.body, 4))
        return cls()


@cache
def profile_of(coding: Coding) -> bytes | None:
    """Return an ICC profile; None for sRGB and what is not known, which counts as sRGB."""
    primaries = _PRIMARIES.get(coding.primaries, _PRIMARIES[1])
    curve = _curve(coding.transfer)
    if primaries == _PRIMARIES[1] and curve == _curve(_SRGB):
        return None
    white = b"XYZ \0\0\0\0" + struct.pack(">3i", *map(_fixed, _D50))
    tags = {b"wtpt": white, b"desc": _text("nclx"), b"cprt": _text("none")}
    tags |= {
        name: b"XYZ \0\0\0\0" + struct.pack(">3i", *map(_fixed, column))
        for name, column in zip((b"rXYZ", b"gXYZ", b"bXYZ"), _colorants(primaries), strict=True)
    }
    return _profile({**tags, b"rTRC": curve, b"gTRC": curve, b"bTRC": curve})


def _curve(transfer: int) -> bytes:
    if transfer in (_GAMMA_22, _GAMMA_28):
        return b"curv\0\0\0\0" + struct.pack(">IH", 1, 0x0233 if transfer == _GAMMA_22 else 0x02CD) + b"\0\0"
    if transfer == _LINEAR:
        return b"curv" + bytes(8)
    light = {_PQ: _pq, _HLG: _hlg}.get(transfer)
    if light is not None:
        return _table(light)
    return b"para\0\0\0\0\0\3\0\0" + struct.pack(
        ">5i", *map(_fixed, (2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045))
    )


def _table(light: Callable[[float], float]) -> bytes:
    levels = (min(1.0, light(step / (_STEPS - 1)) / _WHITE_NITS) for step in range(_STEPS))
    values = [round(65_535 * level) for level in levels]
    return b"curv\0\0\0\0" + struct.pack(f">I{_STEPS}H", _STEPS, *values)


def _pq(signal: float) -> float:
    """Return light in nits, SMPTE ST 2084."""
    root = signal ** (32 / 2523)
    return float(10_000 * (max(root - 0.8359375, 0.0) / (18.8515625 - 18.6875 * root)) ** (16_384 / 2610))


def _hlg(signal: float) -> float:
    """Return light in nits on a screen of 1000, ITU-R BT.2100."""
    scene = (
        signal**2 / 3
        if signal <= 0.5
        else (2.718281828 ** ((signal - 0.55991073) / 0.17883277) + 0.28466892) / 12
    )
    return float(1000 * scene**1.2)


def _colorants(primaries: _Row) -> list[_Row]:
    """Return what red, green and blue are in the profile's space, so that together they are its white."""
    columns = [(x / y, 1.0, (1 - x - y) / y) for x, y in zip(primaries[::2], primaries[1::2], strict=True)]
    shares = _solved(columns, (_D65[0] / _D65[1], 1.0, (1 - sum(_D65)) / _D65[1]))
    scaled = [[share * value for value in column] for share, column in zip(shares, columns, strict=True)]
    return [
        tuple(sum(a * b for a, b in zip(row, column, strict=True)) for row in _D65_TO_D50)
        for column in scaled
    ]


def _solved(columns: Sequence[_Row], wanted: _Row) -> list[float]:
    """Return the shares of three columns that add up to what is wanted (Cramer's rule)."""
    whole = _determinant(columns)
    return [_determinant([*columns[:at], wanted, *columns[at + 1 :]]) / whole for at in range(3)]


def _determinant(columns: Sequence[_Row]) -> float:
    (a, b, c), (d, e, f), (g, h, i) = columns
    return a * (e * i - f * h) - d * (b * i - c * h) + g * (b * f - c * e)


def _fixed(value: float) -> int:
    return round(value * 65_536)


def _text(text: str) -> bytes:
    packed = text.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II4sII", 1, 12, b"enUS", len(packed), 28) + packed


def _profile(tags: dict[bytes, bytes]) -> bytes:
    places: dict[bytes, int] = {}
    body, start = b"", 128 + 4 + 12 * len(tags)
    for content in tags.values():
        if content not in places:
            places[content] = start + len(body)
            body += content + bytes(-len(content) % 4)
    table = b"".join(
        struct.pack(">4sII", name, places[content], len(content)) for name, content in tags.items()
    )
    header = struct.pack(
        ">I4sI4s4s4s12x4s4xIIIQI3i48x", start + len(body), b"\0" * 4, 0x04200000, b"mntr", b"RGB ", b"XYZ ",
        b"acsp", 0, 0, 0, 0, 0, *map(_fixed, _D50),
    )  # fmt: skip
    return header + struct.pack(">I", len(tags)) + table + body
