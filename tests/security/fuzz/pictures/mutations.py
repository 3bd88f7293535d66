"""Spoil sound files, the same way for the same number: bytes, parts, sizes, metadata, profiles."""

import random
import struct
from collections.abc import Callable
from dataclasses import dataclass

from tests.security.fuzz.pictures.bombs import BOMBS
from tests.security.fuzz.pictures.parts import join, split
from tests.security.fuzz.pictures.sizes import with_size
from tests.security.fuzz.pictures.sources import Source, foreign_parts, sources

Random = random.Random
_SIDES = (
    0,
    1,
    7,
    8,
    9,
    255,
    4096,
    8000,
    16383,
    16384,
    16385,
    32768,
    65535,
    2**24,
    2**31 - 1,
    2**31,
    2**32 - 1,
)
_EDGES = (b"\0", b"\xff", b"\x7f", b"\x80", b"\0\0", b"\xff\xff", b"\x7f\xff", b"\0\0\0\0", b"\xff" * 4,
          b"\x7f\xff\xff\xff", b"\x80\0\0\0", b"\xff\xff\xff\x7f", b"\xff" * 8)  # fmt: skip
_BOMB_EVERY = 100  # of so many pictures one is a bomb
_MOST_COPIES = 300


@dataclass(frozen=True, slots=True)
class Mutant:
    """A spoiled file; its name says how it came to be."""

    name: str
    data: bytes


def mutant(seed: int, number: int) -> Mutant:
    """Return one picture of a run."""
    source = Random(f"{seed}/{number}")
    if number % _BOMB_EVERY == 0:
        return _bomb(number, source)
    origin = source.choice(sources())
    name, data = f"{number} {origin.name}", origin.data
    kinds = source.choices(list(_MUTATIONS), weights=[weight for weight, _ in _MUTATIONS.values()])
    kinds += source.choices(_LAST, k=source.randrange(2))
    for kind in kinds:
        data = _MUTATIONS[kind][1](Source(origin.name, origin.format, data), source)
        name += f", {kind}"
    return Mutant(name, data)


def _bomb(number: int, source: Random) -> Mutant:
    index = number // _BOMB_EVERY
    names = list(BOMBS)
    name = names[index % len(names)]
    data = BOMBS[name]()
    if index >= len(names):  # each as it is once, then spoiled
        data = _flipped(Source(name, "", data), source)
        return Mutant(f"{number} {name}, bits flipped", data)
    return Mutant(f"{number} {name}", data)


def _truncated(origin: Source, source: Random) -> bytes:
    return origin.data[: source.randrange(len(origin.data) + 1)]


def _flipped(origin: Source, source: Random) -> bytes:
    data = bytearray(origin.data)
    for _ in range(source.choice((1, 1, 2, 4, 16, 64))):
        if data:
            data[_place(data, source)] ^= 1 << source.randrange(8)
    return bytes(data)


def _place(data: bytes | bytearray, source: Random) -> int:
    """Return a place, every other time one of the header."""
    return source.randrange(min(len(data), 128) if source.random() < 0.5 else len(data))


def _overwritten(origin: Source, source: Random) -> bytes:
    data = bytearray(origin.data)
    for _ in range(source.choice((1, 2, 8))):
        value, at = source.choice(_EDGES), _place(data, source)
        data[at : at + len(value)] = value
    return bytes(data)


def _cut_out(origin: Source, source: Random) -> bytes:
    start, length = _place(origin.data, source), source.choice((1, 2, 7, 64, 1000))
    return origin.data[:start] + origin.data[start + length :]


def _inserted(origin: Source, source: Random) -> bytes:
    at = _place(origin.data, source)
    return origin.data[:at] + source.randbytes(source.choice((1, 3, 64, 5000))) + origin.data[at:]


def _spliced(origin: Source, source: Random) -> bytes:
    other = source.choice(sources()).data
    return origin.data[: _place(origin.data, source)] + other[_place(other, source) :]


def _with_parts(change: Callable[[list[bytes], Source, Random], None]) -> Callable[[Source, Random], bytes]:
    def changed(origin: Source, source: Random) -> bytes:
        parts = split(origin.format, origin.data)
        change(parts, origin, source)
        return join(origin.format, parts)

    return changed


def _swap(parts: list[bytes], origin: Source, source: Random) -> None:
    first, second = (source.randrange(len(parts)) for _ in range(2))
    parts[first], parts[second] = parts[second], parts[first]


def _double(parts: list[bytes], origin: Source, source: Random) -> None:
    at = source.randrange(len(parts))
    parts[at:at] = [parts[at]] * source.choice((1, 2, 50, _MOST_COPIES))


def _drop(parts: list[bytes], origin: Source, source: Random) -> None:
    del parts[source.randrange(len(parts))]


def _transplant(parts: list[bytes], origin: Source, source: Random) -> None:
    others = [each for each in sources() if each.format == origin.format]
    other = split(origin.format, source.choice(others).data)
    parts.insert(source.randrange(len(parts) + 1), source.choice(other))


def _cling(parts: list[bytes], origin: Source, source: Random) -> None:
    parts.insert(source.randrange(1, len(parts) + 1), source.choice(foreign_parts(origin.format)))


def _spoil(parts: list[bytes], origin: Source, source: Random) -> None:
    """Change bytes of one part; lengths and sums fit, so that its reader sees them."""
    at = source.randrange(len(parts))
    parts[at] = parts[at][:4] + _changed(parts[at][4:], source)


def _changed(body: bytes, source: Random) -> bytes:
    if not body:
        return body
    change = source.choice((_flipped, _overwritten, _truncated))
    return change(Source("", "", body), source)


def _resized(origin: Source, source: Random) -> bytes:
    return with_size(origin.format, origin.data, (source.choice(_SIDES), source.choice(_SIDES)))


def _spoil_profile(origin: Source, source: Random) -> bytes:
    """Change numbers of a color profile where it stands in the file as it is."""
    at = origin.data.find(b"acsp")
    if at < 0:
        return _flipped(origin, source)
    data = bytearray(origin.data)
    for _ in range(source.choice((1, 3, 12))):
        place = at - 36 + source.randrange(500)
        if 0 <= place < len(data) - 4:
            data[place : place + 4] = source.choice(
                (source.randbytes(4), struct.pack(">I", source.choice(_SIDES)))
            )
    return bytes(data)


_LAST = ("truncated", "bits flipped")
_MUTATIONS: dict[str, tuple[int, Callable[[Source, Random], bytes]]] = {
    "truncated": (10, _truncated),
    "bits flipped": (14, _flipped),
    "numbers overwritten": (14, _overwritten),
    "bytes cut out": (6, _cut_out),
    "bytes inserted": (6, _inserted),
    "spliced": (4, _spliced),
    "parts swapped": (8, _with_parts(_swap)),
    "a part repeated": (6, _with_parts(_double)),
    "a part dropped": (6, _with_parts(_drop)),
    "a part of another file": (8, _with_parts(_transplant)),
    "metadata added": (6, _with_parts(_cling)),
    "a part spoiled": (16, _with_parts(_spoil)),
    "an absurd size": (8, _resized),
    "a spoiled profile": (8, _spoil_profile),
}
