"""The probe names what is wrong with an image, and never decodes a pixel to find out."""

import contextlib
import struct
import threading
import time
import warnings
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from shared.errors import (
    AtelierError,
    BodyTooLarge,
    CorruptImage,
    ImageTooLarge,
    ImageTooSmall,
    TooManyFrames,
    UnsupportedImage,
)
from shared.images.limits import ImageLimits, check_frames
from shared.images.probe import ImageInfo, probe
from tests.support.images import pictures

LIMITS = ImageLimits()
ORDINARY = pictures.ordinary()


def refusal(data: bytes, limits: ImageLimits = LIMITS) -> AtelierError:
    with pytest.raises(AtelierError) as caught:
        probe(data, limits, field="/content")
    assert caught.value.errors[0].pointer == "/content"
    assert caught.value.errors[0].detail == caught.value.detail
    return caught.value


def test_a_photo_is_described_from_its_header():
    info = probe(pictures.photo(64, 48), LIMITS)
    assert info == ImageInfo("jpeg", "image/jpeg", 64, 48, 1, "RGB", 1)


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp", "gif", "bmp", "tiff"])
def test_the_format_is_known_by_content(image_format):
    info = probe(ORDINARY[image_format], LIMITS)
    assert (info.format, info.media_type) == (image_format, f"image/{image_format}")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp", "tiff"])
def test_width_and_height_are_those_after_the_exif_turn(image_format, orientation):
    info = probe(pictures.oriented(orientation, image_format), LIMITS)
    assert (info.width, info.height, info.orientation) == (32, 24, orientation)


@pytest.mark.parametrize(
    "data", [pictures.svg(), pictures.pdf(), pictures.text(), b"", b"BMW is a brand", b"\0" * 99]
)
def test_what_is_no_image_is_unsupported(data):
    assert isinstance(refusal(data), UnsupportedImage)


def test_the_refusal_says_what_was_sent_and_what_is_accepted():
    assert refusal(pictures.svg()).detail == (
        "This is an SVG drawing; accepted formats are avif, bmp, gif, heic, jpeg, png, tiff, webp."
    )


def test_a_format_that_the_operator_excludes_is_unsupported():
    error = refusal(pictures.bmp(), replace(LIMITS, formats=frozenset({"png", "jpeg"})))
    assert isinstance(error, UnsupportedImage)
    assert error.detail == "This is BMP; accepted formats are jpeg, png."


def test_pixels_without_a_brightness_range_are_unsupported():
    assert isinstance(refusal(pictures.save(Image.new("F", (9, 9)), "tiff")), UnsupportedImage)


def test_a_giant_header_is_refused_with_the_limit_and_the_value():
    data = pictures.giant_png(30_000, 30_000)
    assert len(data) < 4096
    error = refusal(data)
    assert isinstance(error, ImageTooLarge)
    assert error.detail == "The image is 30000 x 30000 pixels; a side may have at most 16384 (max_side)."


def test_too_many_pixels_are_refused_even_with_short_sides():
    error = refusal(pictures.giant_png(9000, 9000))
    assert isinstance(error, ImageTooLarge)
    assert "81000000" in error.detail
    assert "64000000 are allowed (max_pixels)" in error.detail


@pytest.mark.parametrize("action", ["error", "ignore", "always"])
@pytest.mark.parametrize("side", [10_000, 14_000])
def test_pillows_own_pixel_limit_plays_no_part(action, side):
    """10,000 squared is where Pillow warns, 14,000 squared where it raises."""
    data = pictures.giant_png(side, side)
    with warnings.catch_warnings():
        warnings.simplefilter(action)
        assert isinstance(refusal(data), ImageTooLarge)
        assert probe(data, replace(LIMITS, max_pixels=10**9)).width == side


def test_a_gif_whose_frame_is_larger_than_its_screen_is_measured_by_the_frame():
    data = bytearray(pictures.gif())
    position = data.index(b",\0\0\0\0")
    data[position + 5 : position + 9] = struct.pack("<HH", 60_000, 60_000)
    assert isinstance(refusal(bytes(data)), ImageTooLarge)


def test_a_webp_canvas_is_measured_before_it_is_allocated():
    data = bytearray(pictures.with_alpha("webp"))
    data[12:30] = b"VP8X" + struct.pack("<II", 10, 0) + b"\xff\x3f\0\xff\x3f\0"
    assert isinstance(refusal(bytes(data)), ImageTooLarge)


def test_a_side_below_the_minimum_is_refused_with_the_limit():
    error = refusal(pictures.png(200, 7))
    assert isinstance(error, ImageTooSmall)
    assert error.detail == "The image is 200 x 7 pixels; a side needs at least 8 (min_side)."


def test_a_file_with_too_many_bytes_is_refused():
    error = refusal(pictures.png(), replace(LIMITS, max_bytes=100))
    assert isinstance(error, BodyTooLarge)
    assert "at most 100 are allowed (max_bytes)" in error.detail


@pytest.mark.parametrize("image_format", ["gif", "png", "webp"])
@pytest.mark.parametrize(("allowed", "counted"), [(9, 3), (3, 3), (2, 3), (1, 2)])
def test_frames_are_counted_up_to_the_first_too_many(image_format, allowed, counted):
    """Whether so many are refused depends on what the picture is used for."""
    data = pictures.gif(3) if image_format == "gif" else pictures.animated(image_format, 3)
    assert probe(data, replace(LIMITS, max_frames=allowed)).frames == counted


def test_pages_of_a_tiff_are_no_frames():
    assert probe(pictures.animated("tiff", 3), LIMITS).frames == 1


def test_more_frames_than_allowed_are_refused_where_they_are_used():
    with pytest.raises(TooManyFrames) as caught:
        check_frames((32, 24), 3, replace(LIMITS, max_frames=2), field="/content")
    assert caught.value.errors[0].pointer == "/content"
    assert "more than 2 frames" in caught.value.detail
    assert "(max_frames)" in caught.value.detail


def test_all_frames_together_have_a_limit_of_pixels():
    check_frames((32, 24), 3, replace(LIMITS, max_frames=3, max_pixels=3 * 32 * 24))
    with pytest.raises(ImageTooLarge):
        check_frames((32, 24), 3, replace(LIMITS, max_frames=3, max_pixels=3 * 32 * 24 - 1))


def test_a_photo_with_a_second_picture_behind_it_is_one_frame():
    """Phones append a gain map or a depth map to the JPEG (multi-picture format)."""
    pages = [Image.fromarray(pictures.gradient()), Image.fromarray(pictures.gradient())]
    data = pictures.save(pages[0], "mpo", save_all=True, append_images=pages[1:])
    info = probe(data, LIMITS)
    assert (info.format, info.frames) == ("jpeg", 1)


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp", "gif", "bmp", "tiff"])
def test_a_header_that_ends_early_is_corrupt(image_format):
    error = refusal(ORDINARY[image_format][:20])
    assert isinstance(error, CorruptImage)
    assert error.detail.startswith(f"The {image_format} image cannot be read: ")


def over_a_million_jpeg_segments() -> bytes:
    return b"\xff\xd8" + b"\xff\xfe\0\x02" * 1_100_000 + pictures.jpeg()[2:]


def many_exif_segments() -> bytes:
    return b"\xff\xd8" + b"\xff\xe1\0\x08Exif\0\0" * 300_000 + pictures.jpeg()[2:]


def many_jpeg_scans() -> bytes:
    whole = pictures.jpeg(progressive=True)
    scan = whole[whole.rindex(b"\xff\xda") : -2]
    return whole[:-2] + scan * 600 + whole[-2:]


def padded_jpeg() -> bytes:
    return b"\xff\xd8" + b"\xff" * 200_000 + pictures.jpeg()[2:]


def long_jpeg_tables() -> bytes:
    table = b"\xff\xdb" + struct.pack(">H", 2 + 65 * 1000) + bytes(65 * 1000)
    return b"\xff\xd8" + table * 20 + pictures.jpeg()[2:]


def over_a_million_png_chunks() -> bytes:
    whole = pictures.png()
    return whole[:33] + pictures.chunk(b"tEXt", b"") * 1_100_000 + whole[33:]


def many_pixel_chunks() -> bytes:
    whole = pictures.png()
    return whole[:33] + pictures.chunk(b"IDAT", b"") * 200_000 + whole[33:]


def long_bmp_runs() -> bytes:
    header = struct.pack("<IiiHHIIIIII", 40, 4096, 4096, 1, 8, 1, 0, 0, 0, 256, 0) + bytes(1024)
    return b"BM" + struct.pack("<IHHI", 0, 0, 0, 14 + len(header)) + header + b"\1\5" * 2**20


def many_tiff_strips() -> bytes:
    whole = pictures.tiff()
    strips = struct.pack("<HHI", 273, 4, 1)
    position = whole.index(strips)
    return whole[: position + 4] + struct.pack("<I", 100_000) + whole[position + 8 :] + bytes(400_000)


def test_directories_that_share_their_tags_take_bounded_time():
    """Each of many directories names the same bytes as many directories of its own."""
    tags = struct.pack("<H", 65_535) + struct.pack("<HHII", 330, 4, 60_000, 8) * 65_535 + bytes(4)
    started = time.process_time()
    refusal(b"II*\0" + struct.pack("<I", 8) + tags)
    assert time.process_time() - started < 10


@pytest.mark.parametrize(
    "build",
    [
        over_a_million_jpeg_segments, many_exif_segments, many_jpeg_scans, padded_jpeg, long_jpeg_tables,
        over_a_million_png_chunks, many_pixel_chunks, long_bmp_runs, many_tiff_strips,
    ],
)  # fmt: skip
def test_a_header_built_to_waste_time_is_refused(build):
    error = refusal(build())
    assert isinstance(error, CorruptImage)
    assert any(word in error.detail for word in ("too many", "at most", "more than"))


def test_probing_is_safe_in_threads():
    outcomes: list[object] = []

    def work() -> None:
        for data in [*ORDINARY.values(), pictures.giant_png(14_000, 14_000)]:
            with contextlib.suppress(ImageTooLarge):
                outcomes.append(probe(data, LIMITS).width)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(outcomes) == 8 * len(ORDINARY)


@pytest.mark.parametrize("data", ORDINARY.values(), ids=ORDINARY)
def test_every_ordinary_image_passes(data):
    assert probe(data, LIMITS).frames == 1


@given(st.binary(max_size=300), st.sampled_from([b"", *(data[:30] for data in ORDINARY.values())]))
def test_arbitrary_bytes_raise_nothing_but_our_errors(data, start):
    with contextlib.suppress(AtelierError):
        probe(start + data, LIMITS)


@settings(max_examples=400)
@given(st.data())
def test_a_damaged_file_raises_nothing_but_our_errors(data):
    damaged = data.draw(pictures.damage(st.sampled_from(list(ORDINARY.values()))))
    with contextlib.suppress(AtelierError):
        probe(damaged, LIMITS)
