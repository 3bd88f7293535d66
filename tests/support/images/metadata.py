"""Build what clings to good pictures: metadata of every kind, damaged, huge or garbage, in every position."""

import struct
import zlib
from collections.abc import Iterator

from hypothesis import strategies as st

from tests.support.images.pictures import chunk


def directory(*entries: tuple[int, int, int, int], following: int = 0, order: str = "<") -> bytes:
    """Return an EXIF block; an entry is (tag, type, number of values, value or offset)."""
    body = b"".join(struct.pack(f"{order}HHII", *entry) for entry in entries)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    head = magic + struct.pack(f"{order}IH", 8, len(entries))
    return head + body + struct.pack(f"{order}I", following)


ORIENTED = (0x0112, 3, 1, 6)


def bad_exif() -> dict[str, bytes]:
    """Return EXIF blocks that decoders have stumbled over, by name; those named so state orientation 6."""
    many = struct.pack("<IH", 8, 60_000) + b"\x12\x34" * 200
    return {
        "oriented, tag 0 with millions of values": directory((0, 3, 9_830_400, 8), ORIENTED),
        "oriented, a next directory of garbage": directory(ORIENTED, following=26) + b"\xff" * 40,
        "oriented, a next directory behind the end": directory(ORIENTED, following=2**31),
        "oriented, a loop": directory(ORIENTED, following=8),
        "oriented, an EXIF directory of garbage": directory(ORIENTED, (0x8769, 4, 1, 20)) + b"\xff" * 60,
        "oriented, tags that all claim 60 kB": directory(
            ORIENTED, *((1000 + index, 7, 60_000, 8) for index in range(200))
        ),
        "oriented, types that nobody knows": directory((1, 99, 1, 0), ORIENTED, (2, 0, 2**32 - 1, 0)),
        "a directory of 60,000 tags": b"II*\0" + many,
        "an orientation of 9": directory((0x0112, 3, 1, 9)),
        "a cut directory": directory(ORIENTED)[:15],
        "no directory": b"II*\0" + struct.pack("<I", 2**32 - 1),
        "nothing": b"",
        "garbage": bytes(range(256)) * 3,
        "zeros": bytes(5000),
    }


def segment(marker: int, body: bytes) -> bytes:
    """Return one JPEG segment."""
    return bytes((0xFF, marker)) + struct.pack(">H", 2 + len(body)) + body


def bad_segments() -> dict[str, bytes]:
    """Return JPEG segments without meaning for the pixels, by name."""
    icc, photoshop = b"ICC_PROFILE\0", b"Photoshop 3.0\0" + b"8BIM\4\4\0\0" + b"\xff" * 60
    exif = {f"EXIF: {name}": segment(0xE1, b"Exif\0\0" + body) for name, body in bad_exif().items()}
    return exif | {
        "short JFIF": segment(0xE0, b"JFIF\0"),
        "JFIF without a version": segment(0xE0, b"JFIF"),
        "JFIF extension": segment(0xE0, b"JFXX\0\x10" + b"\xff" * 30),
        "short Adobe": segment(0xEE, b"Adobe\0"),
        "Adobe without a version": segment(0xEE, b"Adobe"),
        "ICC without a number": segment(0xE2, icc),
        "ICC with half a number": segment(0xE2, icc + b"\1"),
        "ICC of part 0 of 0": segment(0xE2, icc + b"\0\0" + bytes(50)),
        "ICC of garbage": segment(0xE2, icc + b"\1\1" + b"\x81" * 500),
        "ICC twice": segment(0xE2, icc + b"\1\1" + bytes(200)) * 2,
        "many APP13": segment(0xED, photoshop + bytes(60_000)) * 40,
        "cut APP13": segment(0xED, b"Photoshop 3.0\0" + b"8BIM\3\xed\0\0\0\0\0\2ab"),
        "FlashPix": segment(0xE2, b"FPXR\0"),
        "multi-picture garbage": segment(0xE2, b"MPF\0" + b"\xff" * 100),
        "XMP of garbage": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0" + b"<x:xmpmeta" * 200),
        "XMP without a text": segment(0xE1, b"http://ns.adobe.com/xap/1.0/\0"),
        "100,000 empty comments": segment(0xFE, b"") * 100_000,
        "a comment of 64 kB": segment(0xFE, b"\xff" * 65_533),
        "a length of 0": b"\xff\xe5\0\0",
        **{f"APP{number}": segment(0xE0 + number, b"\x80garbage") for number in range(16)},
    }


def jpeg_positions(data: bytes) -> Iterator[int]:
    """Yield where a segment may be: after the start, and before each segment up to the first scan."""
    position = 2
    while True:
        yield position
        if data[position + 1] == 0xDA:
            return
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")


def _with_bad_checksum(kind: bytes, body: bytes) -> bytes:
    return chunk(kind, body)[:-4] + b"\1\2\3\4"


def bad_chunks() -> dict[str, bytes]:
    """Return PNG chunks without meaning for the pixels, by name."""
    lengths = {
        b"pHYs": 9,
        b"gAMA": 4,
        b"cHRM": 32,
        b"sRGB": 1,
        b"cICP": 4,
        b"sBIT": 3,
        b"tIME": 7,
        b"bKGD": 6,
    }
    wrong = {
        f"{kind.decode()} of {size} bytes": chunk(kind, b"\1" * size)
        for kind, right in lengths.items()
        for size in (0, right - 1, right + 1)
    }
    kinds = (
        *lengths,
        b"iCCP",
        b"tEXt",
        b"zTXt",
        b"iTXt",
        b"eXIf",
        b"tRNS",
        b"hIST",
        b"sPLT",
        b"acTL",
        b"abCd",
    )
    spoiled = {f"{kind.decode()} with a bad check sum": _with_bad_checksum(kind, b"\1" * 8) for kind in kinds}
    exif = {f"EXIF: {name}": chunk(b"eXIf", body) for name, body in bad_exif().items()}
    texts = chunk(b"zTXt", b"key\0\0" + zlib.compress(bytes(2**21)))
    return {**wrong, **spoiled, **exif} | {
        "a text of 2 MiB": texts,
        "60 compressed texts": texts * 60,
        "an international text of 2 MiB": chunk(b"iTXt", b"k\0\1\0\0\0" + zlib.compress(bytes(2**21))),
        "texts without an end": chunk(b"tEXt", b"key") + chunk(b"zTXt", b"key") + chunk(b"iTXt", b"key"),
        "a text packed in an unknown way": chunk(b"zTXt", b"key\0\7abc"),
        "a text of garbage": chunk(b"zTXt", b"key\0\0garbage"),
        "20 MiB of texts": chunk(b"tEXt", b"key\0" + b"x" * 2**20) * 20,
        "100,000 empty texts": chunk(b"tEXt", b"") * 100_000,
        "iCCP without a name": chunk(b"iCCP", b""),
        "iCCP without a method": chunk(b"iCCP", b"name\0"),
        "iCCP packed in an unknown way": chunk(b"iCCP", b"name\0\7abc"),
        "iCCP of garbage": chunk(b"iCCP", b"name\0\0garbage"),
        "iCCP of 40 MiB of zeros": chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(40 * 2**20))),
        "iCCP of 2 MiB of zeros": chunk(b"iCCP", b"name\0\0" + zlib.compress(bytes(2**21))),
        "a long tRNS": chunk(b"tRNS", bytes(300)),
        "a short tRNS": chunk(b"tRNS", b"\0"),
        "a suggested palette": chunk(b"PLTE", b"\1\2\3\4"),
        "an animation of no frames": chunk(b"acTL", bytes(8)),
        "an animation that is cut": chunk(b"acTL", b"\0"),
        "a frame from nowhere": chunk(b"fcTL", b"\xff" * 26),
        "data of a frame from nowhere": chunk(b"fdAT", b"\0\0"),
        "an unknown critical chunk": chunk(b"ABCD", b"garbage"),
    }


def png_positions(data: bytes) -> Iterator[int]:
    """Yield where a chunk may be: before each chunk but the header."""
    position = 8 + 25
    while position < len(data):
        yield position
        position += 12 + int.from_bytes(data[position : position + 4], "big")


def riff(kind: bytes, body: bytes) -> bytes:
    """Return one chunk of a WebP file."""
    return kind + struct.pack("<I", len(body)) + body + b"\0" * (len(body) & 1)


def bad_riff_chunks() -> dict[str, bytes]:
    """Return WebP chunks without meaning for the pixels, by name."""
    return {f"EXIF: {name}": riff(b"EXIF", body) for name, body in bad_exif().items()} | {
        "EXIF with its name": riff(b"EXIF", b"Exif\0\0" + b"\xff" * 33),
        "an empty profile": riff(b"ICCP", b""),
        "a profile of garbage": riff(b"ICCP", b"\x81" * 501),
        "a profile of 20 MiB": riff(b"ICCP", bytes(20 * 2**20)),
        "XMP of garbage": riff(b"XMP ", b"\xff" * 77),
        "an unknown chunk": riff(b"abcd", b"garbage"),
        "100,000 empty chunks": riff(b"none", b"") * 100_000,
        "an empty extended header": riff(b"JUNK", b"VP8X"),
    }


def webp_positions(data: bytes) -> Iterator[int]:
    """Yield where a chunk may be: before each chunk, and at the end."""
    position = 12
    while position < len(data):
        yield position
        length = int.from_bytes(data[position + 4 : position + 8], "little")
        position += 8 + length + (length & 1)
    yield len(data)


def extended_webp(data: bytes, width: int, height: int) -> bytes:
    """Return a plain WebP file in the extended layout, which may have metadata."""
    sides = (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    return with_riff_size(data[:12] + riff(b"VP8X", b"\x2c\0\0\0" + sides) + data[12:])


def with_riff_size(data: bytes) -> bytes:
    """Return the file with its true size in its header."""
    return b"RIFF" + struct.pack("<I", len(data) - 8) + data[8:]


def inserted(data: bytes, position: int, what: bytes) -> bytes:
    """Return the bytes with others in their midst."""
    return data[:position] + what + data[position:]


def with_tags(data: bytes, entries: list[tuple[int, int, int, int]]) -> bytes:
    """Return a little-endian TIFF file with more tags: (tag, type, number of values, value or offset)."""
    start = int.from_bytes(data[4:8], "little")
    count = int.from_bytes(data[start : start + 2], "little")
    old = [data[at : at + 12] for at in range(start + 2, start + 2 + 12 * count, 12)]
    tags = sorted([*old, *(struct.pack("<HHII", *entry) for entry in entries)], key=lambda tag: tag[1::-1])
    table = struct.pack("<H", len(tags)) + b"".join(tags) + bytes(4)
    return data[:4] + struct.pack("<I", len(data)) + data[8:] + table


@st.composite
def cluttered(draw: st.DrawFn, image_format: str, data: bytes) -> bytes:
    """Draw a good picture with random metadata in random places, at times with anything behind its end."""
    places = {"jpeg": jpeg_positions, "png": png_positions, "webp": webp_positions}[image_format]
    for _ in range(draw(st.integers(1, 6))):
        position = draw(st.sampled_from(list(places(data))))
        data = inserted(data, position, draw(_CLUTTER[image_format]))
    if image_format == "webp":
        data = with_riff_size(data)
    return data + draw(st.just(b"") | st.binary(max_size=40) | st.just(bytes(4096)))


_BODIES = st.binary(max_size=80) | st.sampled_from(list(bad_exif().values()))
_NAMES = (b"Exif\0\0", b"ICC_PROFILE\0", b"Photoshop 3.0\0", b"http://ns.adobe.com/xap/1.0/\0", b"MPF\0", b"")
_SEGMENTS = st.builds(
    lambda marker, name, body: segment(marker, name + body),
    st.sampled_from([*range(0xE1, 0xEE), 0xEF, 0xFE]),
    st.sampled_from(_NAMES),
    _BODIES,
)
_CHUNKS = st.builds(
    lambda kind, body, is_sound: chunk(kind, body) if is_sound else _with_bad_checksum(kind, body),
    st.sampled_from(
        [b"pHYs", b"tEXt", b"zTXt", b"iTXt", b"tIME", b"eXIf", b"iCCP", b"bKGD", b"hIST", b"abCD"]
    ),
    _BODIES,
    st.booleans(),
)
_RIFFS = st.builds(riff, st.sampled_from([b"EXIF", b"XMP ", b"ICCP", b"abcd", b"\xff\0\1\2"]), _BODIES)
_CLUTTER = {"jpeg": _SEGMENTS, "png": _CHUNKS, "webp": _RIFFS}
