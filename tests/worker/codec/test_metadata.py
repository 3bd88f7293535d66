"""No metadata refuses a picture, and none changes its pixels."""

import time
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from PIL import Image

from shared.images.limits import ImageLimits
from tests.support.images import metadata, pictures
from worker.codec.decode import decode

LIMITS = replace(ImageLimits(), max_bytes=64 * 1024 * 1024)
JPEG, PNG, WEBP = pictures.jpeg(), pictures.png(), metadata.extended_webp(pictures.webp(), 32, 24)
NO_DENSITY = JPEG[:2] + JPEG[20:]  # Pillow asks the EXIF block for the density where there is no JFIF segment


def assert_same_picture(data: bytes, plain: bytes, *, turned: bool = False) -> None:
    painted, expected = decode(data, LIMITS).rgb, decode(plain, LIMITS).rgb
    np.testing.assert_array_equal(painted, np.rot90(expected, -1) if turned else expected)


@pytest.mark.parametrize(("name", "clutter"), metadata.bad_segments().items(), ids=metadata.bad_segments())
@pytest.mark.parametrize("plain", [JPEG, NO_DENSITY], ids=["JFIF", "no JFIF"])
def test_a_jpeg_is_painted_whatever_its_segments_hold(plain, name, clutter):
    for position in metadata.jpeg_positions(plain):
        data = metadata.inserted(plain, position, clutter)
        assert_same_picture(data, plain, turned="oriented" in name)


@pytest.mark.parametrize(("name", "clutter"), metadata.bad_chunks().items(), ids=metadata.bad_chunks())
def test_a_png_is_painted_whatever_its_chunks_hold(name, clutter):
    for position in metadata.png_positions(PNG):
        assert_same_picture(metadata.inserted(PNG, position, clutter), PNG, turned="oriented" in name)


@pytest.mark.parametrize(
    ("name", "clutter"), metadata.bad_riff_chunks().items(), ids=metadata.bad_riff_chunks()
)
def test_a_webp_is_painted_whatever_its_chunks_hold(name, clutter):
    for position in metadata.webp_positions(WEBP):
        data = metadata.with_riff_size(metadata.inserted(WEBP, position, clutter))
        assert_same_picture(data, WEBP, turned="oriented" in name)


@pytest.mark.parametrize(
    "clutter", [bytes(1_000_000), b"\xff" * 999, b"<html>", bytes(7) + b"\xff\xd8\xff\xe1\0"]
)
@pytest.mark.parametrize("plain", [JPEG, PNG, WEBP], ids=["jpeg", "png", "webp"])
def test_what_lies_behind_the_end_is_not_looked_at(plain, clutter):
    assert_same_picture(plain + clutter, plain)


@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp"])
def test_random_metadata_changes_no_pixel(image_format):
    plain = {"jpeg": JPEG, "png": PNG, "webp": WEBP}[image_format]

    @settings(max_examples=100, deadline=None)
    @given(metadata.cluttered(image_format, plain))
    def paints_the_same(data: bytes) -> None:
        rgb = decode(data, LIMITS).rgb
        turns = {pixels.tobytes() for pixels in all_turns(decode(plain, LIMITS).rgb)}
        assert rgb.tobytes() in turns  # garbage may happen to state an orientation

    paints_the_same()


def all_turns(rgb: np.ndarray) -> list[np.ndarray]:
    return [np.rot90(side, turn) for side in (rgb, rgb[:, ::-1]) for turn in range(4)]


def test_segments_between_the_scans_of_a_progressive_jpeg_are_left_out():
    plain = pictures.jpeg(progressive=True)
    for clutter in (metadata.segment(0xFE, b"x" * 999), metadata.segment(0xE1, b"Exif\0\0" + b"\xff" * 50)):
        scans = plain.split(b"\xff\xda")
        assert_same_picture((clutter + b"\xff\xda").join(scans), plain)


def test_colors_are_those_of_the_adobe_segment_and_the_profile_among_clutter():
    plain = pictures.profiled((220, 30, 90), "jpeg")
    for name, clutter in metadata.bad_segments().items():
        if not name.startswith(("ICC", "EXIF: oriented")):
            assert_same_picture(metadata.inserted(plain, 2, clutter), plain)
    ink = pictures.cmyk_jpeg()
    assert_same_picture(metadata.inserted(ink, 2, metadata.segment(0xEE, b"Adobe")), ink)


@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp", "tiff"])
def test_a_large_profile_is_applied(image_format):
    small = pictures.exchanged_profile()
    large = (len(small) + 2**21).to_bytes(4, "big") + small[4:] + bytes(2**21)
    image = Image.new("RGB", (32, 24), (220, 30, 90))
    limits = {"quality": 95} if image_format == "jpeg" else {}
    red, green, _ = decode(pictures.save(image, image_format, icc_profile=large, **limits), LIMITS).rgb[5, 5]
    assert abs(int(red) - 30) <= 4
    assert abs(int(green) - 220) <= 4


GREEDY = [
    *((1000 + index, 7, 60_000, 8) for index in range(5000)),
    (34665, 4, 1, 12),  # an EXIF directory of garbage
    (34853, 4, 1, 2**31),
    (282, 5, 2**30, 8),
    (700, 1, 2**32 - 1, 8),
    (34675, 7, 2**32 - 1, 8),
]


def test_a_tiff_is_painted_whatever_its_other_tags_hold():
    for plain in (pictures.tiff(), pictures.tiff(compression="tiff_lzw"), pictures.oriented(6, "tiff")):
        assert_same_picture(metadata.with_tags(plain, GREEDY), plain)
        for profile in ((34675, 7, 5000, 2**31), (34675, 4, 9, 8), (34675, 2, 60, 8), (34675, 99, 60, 8)):
            assert_same_picture(metadata.with_tags(plain, [profile]), plain)


def test_a_gif_is_painted_whatever_its_extensions_hold():
    plain = pictures.gif()
    first = plain.index(b"!")
    for clutter in (
        b"!\xfe" + (b"\xff" + b"c" * 255) * 4000 + b"\0",
        b"!\xff\x0bXMP DataXMP" + b"\xff" * 256 + b"\0",
        b"!\x01\x01\0\0",
        b"!\xff\x0bICCRGBG1012\x03abc\0",
    ):
        assert_same_picture(metadata.inserted(plain, first, clutter), plain)


def test_hostile_metadata_takes_bounded_time():
    half = 2**24
    hostile = [
        metadata.inserted(JPEG, 2, metadata.segment(0xFE, b"") * 900_000),
        metadata.inserted(PNG, 33, pictures.chunk(b"tEXt", b"") * 900_000),
        metadata.with_riff_size(metadata.inserted(WEBP, 30, metadata.riff(b"none", b"") * 900_000)),
        JPEG[:-2] + b"\xff" * half + b"\0",
        metadata.inserted(PNG, 33, pictures.chunk(b"iCCP", b"n\0\0" + b"\0" * half)),
    ]
    started = time.process_time()
    for data in hostile:
        decode(data, LIMITS)
    assert time.process_time() - started < 20
