"""Write a HEIC or AVIF file that holds one picture: its coded parts, and what a decoder must know of them."""

import struct
from dataclasses import dataclass, field

from shared.images.heif.boxes import box, full_box

_BRANDS = {"heic": b"heic\0\0\0\0mif1heic", "avif": b"avif\0\0\0\0avifmif1miaf"}
_HANDLER = struct.pack(">I4s12xx", 0, b"pict")
_WIDE_INDEX = 1  # flag: two bytes for each property


@dataclass(slots=True)
class Part:
    """An item of the copy. Items are counted from 1, in the order of the file."""

    kind: bytes
    size: tuple[int, int]
    data: bytes
    properties: list[tuple[bytes, bytes]] = field(default_factory=list)  # kind and body
    references: list[tuple[bytes, tuple[int, ...]]] = field(default_factory=list)

    def reference(self, kind: bytes, *to: int) -> None:
        """Note a reference to other parts; `pitm` marks the primary one, `prem` is one to this part."""
        self.references.append((kind, to))


def rebuilt(image_format: str, parts: list[Part]) -> bytes:
    """Return the file."""
    start = box(b"ftyp", _BRANDS[image_format])
    length = len(_meta(parts, 0))
    return start + _meta(parts, len(start) + length + 8) + box(b"mdat", *(part.data for part in parts))


def _meta(parts: list[Part], first: int) -> bytes:
    primary = next(at for at, part in enumerate(parts, 1) if (b"pitm", ()) in part.references)
    infos = [
        full_box(b"infe", 2, 0, struct.pack(">HH4sx", at, 0, part.kind)) for at, part in enumerate(parts, 1)
    ]
    places, offset = [], first
    for at, part in enumerate(parts, 1):
        places.append(struct.pack(">HHHII", at, 0, 1, offset, len(part.data)))
        offset += len(part.data)
    return full_box(
        b"meta", 0, 0,
        full_box(b"hdlr", 0, 0, _HANDLER),
        full_box(b"pitm", 0, 0, struct.pack(">H", primary)),
        full_box(b"iloc", 0, 0, struct.pack(">HH", 0x4400, len(parts)), *places),
        full_box(b"iinf", 0, 0, struct.pack(">H", len(parts)), *infos),
        _references(parts, primary),
        _properties(parts),
    )  # fmt: skip


def _references(parts: list[Part], primary: int) -> bytes:
    written = []
    for at, part in enumerate(parts, 1):
        for kind, to in part.references:
            if kind == b"prem":
                written.append(_reference(kind, primary, (at,)))
            elif kind != b"pitm":
                written.append(_reference(kind, at, to))
    return full_box(b"iref", 0, 0, *written) if written else b""


def _reference(kind: bytes, origin: int, to: tuple[int, ...]) -> bytes:
    return box(kind, struct.pack(f">HH{len(to)}H", origin, len(to), *to))


def _properties(parts: list[Part]) -> bytes:
    numbers: dict[bytes, int] = {}
    rows = []
    for at, part in enumerate(parts, 1):
        boxes = [full_box(b"ispe", 0, 0, struct.pack(">II", *part.size))]
        boxes += [box(kind, body) for kind, body in part.properties]
        indices = [numbers.setdefault(each, len(numbers) + 1) for each in boxes]
        essential = [0x8000 * (each[4:8] in (b"hvcC", b"av1C")) for each in boxes]
        values = [index | flag for index, flag in zip(indices, essential, strict=True)]
        rows.append(struct.pack(f">HB{len(values)}H", at, len(values), *values))
    association = full_box(b"ipma", 0, _WIDE_INDEX, struct.pack(">I", len(parts)), *rows)
    return box(b"iprp", box(b"ipco", *numbers), association)
