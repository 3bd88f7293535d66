"""Every kind of image comes out as the upright sRGB pixels that a viewer would show."""

import contextlib
import logging
import zlib
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from shared.errors import AtelierError, CorruptImage, ImageTooLarge, OutOfMemory
from shared.images.limits import ImageLimits
from shared.images.probe import probe, refusing
from tests.corpus.profiles import GREY
from tests.support.images import pictures
from worker.codec.decode import decode

LIMITS = ImageLimits()
SMALL = replace(LIMITS, min_side=1)
GRADIENT = pictures.gradient()
LEVELS = np.linspace(0, 255, 32)
ORDINARY = pictures.ordinary()


def difference(data: bytes, expected: np.ndarray) -> int:
    return int(np.abs(decode(data, LIMITS).rgb.astype(int) - expected).max())


def color_of(data: bytes) -> list[int]:
    return decode(data, LIMITS).rgb[5, 5].tolist()


@pytest.mark.parametrize("data", ORDINARY.values(), ids=ORDINARY)
def test_every_ordinary_image_has_the_size_that_the_probe_reports(data):
    image, info = decode(data, LIMITS), probe(data, LIMITS)
    assert image.rgb.shape == (info.height, info.width, 3)
    assert image.rgb.dtype == np.uint8
    assert image.alpha is None or image.alpha.shape == image.rgb.shape[:2]


@pytest.mark.parametrize("data", [pictures.png(), pictures.webp(), pictures.bmp(), pictures.tiff()])
def test_lossless_formats_keep_every_pixel(data):
    assert difference(data, GRADIENT) == 0
    assert decode(data, LIMITS).alpha is None


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize(("image_format", "tolerance"), [("jpeg", 12), ("png", 0), ("webp", 0), ("tiff", 0)])
def test_the_picture_is_turned_upright(image_format, tolerance, orientation):
    assert difference(pictures.oriented(orientation, image_format), GRADIENT) <= tolerance


def test_alpha_is_turned_with_the_colors():
    exif = Image.Exif()
    exif[0x0112] = 6
    source = Image.new("LA", (16, 8), (90, 255))
    source.putpixel((0, 0), (90, 0))
    image = decode(pictures.save(source, "png", exif=exif.tobytes()), LIMITS)
    assert image.alpha is not None
    assert image.alpha.shape == (16, 8)
    assert np.argwhere(image.alpha == 0).tolist() == [[0, 7]]


@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_an_alpha_channel_is_kept_apart(image_format):
    image = decode(pictures.with_alpha(image_format), LIMITS)
    assert image.alpha is not None
    np.testing.assert_array_equal(image.alpha, GRADIENT[:, :, 1])
    np.testing.assert_array_equal(image.rgb, np.where(image.alpha[:, :, None] == 0, 0, GRADIENT))


def test_grey_with_alpha_becomes_three_equal_planes():
    image = decode(pictures.with_alpha(mode="L"), LIMITS)
    assert image.alpha is not None
    np.testing.assert_array_equal(image.alpha, GRADIENT[:, :, 1])
    assert (image.rgb == image.rgb[:, :, :1]).all()


def test_an_opaque_alpha_channel_counts_as_none():
    assert decode(pictures.save(Image.new("RGBA", (9, 9), "red"), "png"), LIMITS).alpha is None


@pytest.mark.parametrize("image_format", ["png", "gif"])
def test_a_transparent_palette_entry_becomes_alpha(image_format):
    image = decode(pictures.palette(format=image_format), LIMITS)
    assert image.alpha is not None
    assert image.alpha[0, :4].tolist() == [0, 0, 255, 255]
    assert image.rgb[0, 2].tolist() == [0, 0, 255]


def test_a_palette_without_transparency_has_no_alpha():
    image = decode(pictures.palette(transparent=False), LIMITS)
    assert image.alpha is None
    assert image.rgb[0, :3].tolist() == [[255, 0, 0], [255, 0, 0], [0, 0, 255]]


@pytest.mark.parametrize("image_format", ["png", "tiff", "bmp"])
def test_one_bit_becomes_black_and_white(image_format):
    row = decode(pictures.one_bit(image_format), LIMITS).rgb[0, :4, 1]
    assert row.tolist() == [0, 0, 255, 255]


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_grey_of_any_depth_runs_from_black_to_white(bits):
    top = (1 << bits) - 1
    samples = np.arange(32)[None, :].repeat(8, axis=0) * top // 31
    rgb = decode(pictures.raw_png(samples, 0, bits=bits), LIMITS).rgb
    assert np.abs(rgb[0, :, 0] - samples[0] * 255 / top).max() <= 0.5
    assert (rgb[0, 0, 0], rgb[0, -1, 0]) == (0, 255)


def test_sixteen_bit_grey_is_scaled_and_not_clipped():
    assert np.abs(decode(pictures.grey16_png(), LIMITS).rgb[0, :, 2] - LEVELS).max() <= 0.6


@pytest.mark.parametrize("order", ["<u2", ">u2"])
def test_sixteen_bit_grey_tiff_is_scaled_in_either_byte_order(order):
    pixels = np.linspace(0, 65535, 32).astype(order)[None, :].repeat(8, axis=0)
    data = pictures.save(Image.fromarray(pixels), "tiff")
    assert np.abs(decode(data, LIMITS).rgb[0, :, 0] - LEVELS).max() <= 0.6


def test_sixteen_bit_grey_tiff_may_count_from_white():
    samples = Image.fromarray(np.full((8, 8), 65535, np.uint16))
    assert color_of(pictures.save(samples, "tiff", tiffinfo={262: 0})) == [0, 0, 0]


def test_sixteen_bit_color_keeps_its_upper_bits():
    assert difference(pictures.rgb16_png(), GRADIENT) == 0


@pytest.mark.parametrize(("color_type", "channels"), [(4, 2), (6, 4)])
def test_sixteen_bit_alpha_is_scaled(color_type, channels):
    samples = np.full((8, 8, channels), 0x8080, np.uint16)
    image = decode(pictures.raw_png(samples, color_type, bits=16), LIMITS)
    assert image.alpha is not None
    assert (image.rgb == 128).all()
    assert (image.alpha == 128).all()


@pytest.mark.parametrize("bits", [1, 2, 4, 8, 16])
def test_one_grey_may_be_transparent_at_any_depth(bits):
    top = (1 << bits) - 1
    samples = np.array([[0, top] * 4] * 8)
    key = pictures.chunk(b"tRNS", top.to_bytes(2, "big"))
    image = decode(pictures.raw_png(samples, 0, bits=bits, extra=key), LIMITS)
    assert image.alpha is not None
    assert image.alpha[0, :2].tolist() == [255, 0]


@pytest.mark.parametrize("bits", [8, 16])
def test_one_color_may_be_transparent(bits):
    top = (1 << bits) - 1
    samples = np.zeros((8, 8, 3), np.uint16)
    samples[2, 3] = (top, 0, top)
    key = pictures.chunk(b"tRNS", np.array([top, 0, top], ">u2").tobytes())
    image = decode(pictures.raw_png(samples, 2, bits=bits, extra=key), LIMITS)
    assert image.alpha is not None
    assert np.argwhere(image.alpha == 0).tolist() == [[2, 3]]


def test_an_inverted_cmyk_photo_shows_its_inks():
    assert color_of(pictures.cmyk_jpeg()) == [0, 255, 255]


@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp", "tiff"])
def test_a_color_profile_is_applied(image_format):
    red, green, blue = color_of(pictures.profiled((220, 30, 90), image_format))
    assert abs(red - 30) <= 4
    assert abs(green - 220) <= 4
    assert abs(blue - 90) <= 4


def test_an_srgb_profile_changes_nothing():
    srgb = (
        pictures.exchanged_profile()
        .replace(b"rXYZ", b"tmp!")
        .replace(b"gXYZ", b"rXYZ")
        .replace(b"tmp!", b"gXYZ")
    )
    data = pictures.save(Image.fromarray(GRADIENT), "png", icc_profile=srgb)
    assert difference(data, GRADIENT) == 0


def test_a_grey_picture_may_carry_a_color_profile():
    data = pictures.save(Image.new("L", (9, 9), 77), "png", icc_profile=pictures.exchanged_profile())
    assert np.ptp(color_of(data)) <= 60
    assert decode(data, LIMITS).rgb.shape == (9, 9, 3)


@pytest.mark.parametrize("profile", [b"not a profile", pictures.exchanged_profile()[:200], b"\0" * 600])
def test_a_broken_profile_is_logged_and_ignored(profile, caplog):
    with caplog.at_level(logging.WARNING):
        assert color_of(pictures.profiled((220, 30, 90), "png", profile)) == [220, 30, 90]
    assert caplog.messages == ["color profile ignored"]


def test_a_profile_for_other_pixels_is_logged_and_ignored(caplog):
    ink = Image.new("CMYK", (9, 9), (255, 0, 0, 0))
    data = pictures.save(ink, "jpeg", quality=95, icc_profile=pictures.exchanged_profile())
    assert color_of(data) == [0, 255, 255]
    assert caplog.messages == ["color profile ignored"]


@pytest.mark.parametrize("image_format", ["gif", "png", "webp", "tiff"])
def test_only_the_first_frame_of_an_animation_is_decoded(image_format):
    data = pictures.gif(3) if image_format == "gif" else pictures.animated(image_format, 3)
    still = pictures.gif(1) if image_format == "gif" else pictures.png()
    moving = decode(data, replace(LIMITS, max_frames=3))
    np.testing.assert_array_equal(moving.rgb, decode(still, LIMITS).rgb)


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp", "gif", "bmp", "tiff"])
@pytest.mark.parametrize("share", [0.3, 0.9])
def test_a_truncated_file_is_corrupt(image_format, share):
    data = pictures.truncated(pictures.photo(160, 120, image_format), share)
    with pytest.raises(CorruptImage) as caught:
        decode(data, LIMITS, field="/content")
    assert caught.value.errors[0].pointer == "/content"


def test_a_palette_image_without_its_palette_is_corrupt():
    whole = pictures.palette(transparent=False)
    start = whole.index(b"PLTE") - 4
    with pytest.raises(CorruptImage):
        decode(whole[:start] + whole[start + 12 + int.from_bytes(whole[start : start + 4], "big") :], LIMITS)


def test_a_giant_is_refused_before_its_pixels():
    with pytest.raises(ImageTooLarge):
        decode(pictures.giant_png(), LIMITS)


def test_running_out_of_memory_is_worth_another_try():
    with pytest.raises(OutOfMemory) as caught, refusing("png"):
        raise MemoryError
    assert caught.value.retryable


@given(
    arrays.arrays(np.uint8, st.tuples(st.integers(1, 20), st.integers(1, 20), st.just(3))),
    st.sampled_from(["png", "webp", "bmp", "tiff"]),
)
def test_any_pixels_survive_a_lossless_file(pixels, image_format):
    options = {"lossless": True} if image_format == "webp" else {}
    data = pictures.save(Image.fromarray(pixels), image_format, **options)
    np.testing.assert_array_equal(decode(data, SMALL).rgb, pixels)


@settings(max_examples=400)
@given(st.data())
def test_a_damaged_file_raises_nothing_but_our_errors(data):
    damaged = data.draw(pictures.damage(st.sampled_from(list(ORDINARY.values()))))
    with contextlib.suppress(AtelierError):
        decode(damaged, replace(LIMITS, max_pixels=1_000_000))


@pytest.mark.parametrize("bits", [8, 16])
def test_grey_with_alpha_may_carry_a_profile_for_grey(bits):
    samples = np.full((9, 9, 2), 100 * (257 if bits == 16 else 1), np.uint16)
    profile = pictures.chunk(b"iCCP", b"grey\0\0" + zlib.compress(GREY["grey18"]))
    assert color_of(pictures.raw_png(samples, 4, bits=bits, extra=profile)) == [119, 119, 119]


@pytest.mark.parametrize(
    "meaning",
    [
        pictures.chunk(b"gAMA", (100_000).to_bytes(4, "big")),
        pictures.chunk(b"gAMA", (20_000).to_bytes(4, "big")),
        pictures.chunk(b"cICP", bytes([9, 16, 0, 1])),
        pictures.chunk(b"cICP", bytes([12, 13, 0, 1])),
        pictures.chunk(b"cHRM", bytes(32)),
    ],
)
def test_a_png_is_read_as_srgb_whatever_its_gamma_or_code_points_say(meaning):
    samples = GRADIENT.astype(np.uint16)
    assert difference(pictures.raw_png(samples, 2, bits=8, extra=meaning), GRADIENT) == 0
