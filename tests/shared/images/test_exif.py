"""Wherever a file says which way up its picture is, it is turned; EXIF counts before XMP."""

import contextlib
import struct
import zlib
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.errors import AtelierError
from shared.images.exif import orientation_of, raw_profile, text_of
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from tests.corpus.case import turned
from tests.support.images.pictures import chunk, gradient, png, save
from worker.codec.decode import decode

LIMITS = ImageLimits()
ELEMENT = b"<rdf:Description><tiff:Orientation>%d</tiff:Orientation></rdf:Description>"
ATTRIBUTE = b'<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="%d"/>'
SHORT, LONG, BYTE, ASCII, RATIONAL, SIGNED = 3, 4, 1, 2, 5, 8


def exif(kind: int, count: int, value: bytes, order: str = "<") -> bytes:
    """Return an EXIF block with one orientation tag; values of more than 4 bytes lie behind the directory."""
    inline = value.ljust(4, b"\0") if len(value) <= 4 else struct.pack(f"{order}I", 26)
    magic = b"II*\0" if order == "<" else b"MM\0*"
    entry = struct.pack(f"{order}HHI", 0x0112, kind, count) + inline
    return magic + struct.pack(f"{order}IH", 8, 1) + entry + bytes(4) + (value if len(value) > 4 else b"")


def stored(orientation: int) -> Image.Image:
    return Image.fromarray(turned(gradient(), orientation))


def with_xmp(image_format: str, orientation: int, xmp: bytes) -> bytes:
    image = stored(orientation)
    if image_format == "png":
        return with_chunk(save(image, "png"), chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + xmp))
    options: dict[str, Any] = {"tiffinfo": {700: xmp}} if image_format == "tiff" else {"xmp": xmp}
    exact = {"jpeg": {"quality": 95, "subsampling": 0}, "webp": {"lossless": True}}
    return save(image, image_format, **options, **exact.get(image_format, {}))


def with_chunk(data: bytes, added: bytes, *, late: bool = False) -> bytes:
    at = len(data) - 12 if late else 33
    return data[:at] + added + data[at:]


def is_upright(data: bytes, tolerance: int = 0) -> bool:
    info = probe(data, LIMITS)
    pixels = decode(data, LIMITS).rgb
    return (info.width, info.height) == (32, 24) and int(
        np.abs(pixels.astype(int) - gradient()).max()
    ) <= tolerance


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("xmp", [ELEMENT, ATTRIBUTE], ids=["element", "attribute"])
@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp", "tiff"])
def test_xmp_turns_a_picture_whose_exif_says_nothing(image_format, xmp, orientation):
    assert is_upright(
        with_xmp(image_format, orientation, xmp % orientation), 12 if image_format == "jpeg" else 0
    )


@pytest.mark.parametrize("late", [False, True])
def test_xmp_of_a_png_may_be_compressed_and_behind_the_pixels(late):
    packed = chunk(b"iTXt", b"XML:com.adobe.xmp\0\1\0\0\0" + zlib.compress(ELEMENT % 6))
    assert is_upright(with_chunk(save(stored(6), "png"), packed, late=late))


@pytest.mark.parametrize("kind", [b"tEXt", b"zTXt", b"iTXt"])
@pytest.mark.parametrize("name", [b"exif", b"APP1"])
def test_a_raw_profile_of_a_png_turns_it(kind, name):
    block = b"Exif\0\0" + exif(SHORT, 1, b"\6\0")
    text = b"\n%s\n%8d\n" % (name.lower(), len(block))
    text += b"\n".join(block.hex().encode()[at : at + 72] for at in range(0, 2 * len(block), 72)) + b"\n"
    body = {b"tEXt": text, b"zTXt": b"\0" + zlib.compress(text), b"iTXt": b"\0\0\0\0" + text}[kind]
    raw = chunk(kind, b"Raw profile type %s\0" % name + body)
    assert is_upright(with_chunk(save(stored(6), "png"), raw))


def test_exif_counts_before_xmp():
    data = save(stored(6), "png", exif=b"Exif\0\0" + exif(SHORT, 1, b"\6\0"))
    assert is_upright(with_chunk(data, chunk(b"iTXt", b"XML:com.adobe.xmp\0\0\0\0\0" + ELEMENT % 3)))


@pytest.mark.parametrize("order", "<>")
@pytest.mark.parametrize(
    ("kind", "count", "letters"),
    [(BYTE, 1, "B"), (SHORT, 1, "H"), (LONG, 1, "I"), (SIGNED, 1, "h"), (9, 1, "i"), (SHORT, 2, "HH"),
     (SHORT, 3, "HHH"), (BYTE, 4, "BBBB"), (LONG, 2, "II")],
)  # fmt: skip
def test_the_first_whole_number_of_any_type_and_count_counts(kind, count, letters, order):
    block = exif(kind, count, struct.pack(order + letters, *[6] * count), order)
    assert is_upright(save(stored(6), "png", exif=b"Exif\0\0" + block))
    assert is_upright(save(stored(6), "webp", exif=b"Exif\0\0" + block, lossless=True))


@pytest.mark.parametrize(
    "block",
    [exif(ASCII, 2, b"6\0"), exif(RATIONAL, 1, struct.pack("<II", 6, 1)), exif(SHORT, 0, b"\6\0"),
     exif(SHORT, 1, b"\0\0"), exif(SHORT, 1, b"\x09\0"), exif(SHORT, 1, b"\6\1"),
     exif(SIGNED, 1, b"\xff\xff")],
)  # fmt: skip
def test_what_is_no_orientation_turns_nothing_and_leaves_it_to_xmp(block):
    assert orientation_of(block) == 1
    assert orientation_of(block, ELEMENT % 8) == 8
    assert is_upright(save(stored(1), "png", exif=b"Exif\0\0" + block))


def test_an_animation_is_turned_however_many_frames_lie_before_its_exif():
    frames = [Image.fromarray(np.roll(turned(gradient(), 6), step, axis=0)) for step in range(9)]
    block = b"Exif\0\0" + exif(SHORT, 1, b"\6\0")
    data = save(frames[0], "webp", save_all=True, append_images=frames[1:], lossless=True, exif=block)
    assert is_upright(data)


@pytest.mark.parametrize("kind", [b"zTXt", b"iTXt"])
def test_a_text_that_unpacks_to_far_too_much_turns_nothing(kind):
    bomb = zlib.compress(bytes(50_000_000) + ELEMENT % 6)
    head = {b"zTXt": b"Raw profile type exif\0\0", b"iTXt": b"XML:com.adobe.xmp\0\1\0\0\0"}[kind]
    assert probe(with_chunk(png(), chunk(kind, head + bomb)), LIMITS).orientation == 1


@given(st.sampled_from([b"tEXt", b"zTXt", b"iTXt"]), st.binary(max_size=80), st.binary(max_size=40))
def test_no_text_does_harm(kind, body, text):
    assert isinstance(text_of(kind, body), bytes)
    assert isinstance(raw_profile(text), bytes)
    with contextlib.suppress(AtelierError):
        probe(with_chunk(png(), chunk(kind, b"Raw profile type exif\0" + body)), LIMITS)
