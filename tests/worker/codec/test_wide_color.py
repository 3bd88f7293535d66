"""Wide color spaces and 16 bits come out as they should look, without bands; profiles may be kept."""

from io import BytesIO

import numpy as np
import pytest
from PIL import Image, ImageCms

from shared.images.heif.color import Coding, profile_of
from shared.images.limits import ImageLimits
from tests.corpus.profiles import COLORED
from tests.support.images import phones, pictures
from worker.codec.decode import decode
from worker.codec.encode import encode
from worker.codec.upright import srgb_converter

LIMITS = ImageLimits()
WIDE = {  # primaries and curves, by their numbers in ITU-T H.273
    "Display P3": Coding(12, 13),
    "BT.2020, gamma 2.2": Coding(9, 4),
    "linear P3": Coding(12, 8),
    "BT.2020 by PQ": Coding(9, 16),
}
P3 = profile_of(WIDE["Display P3"]) or b""


def ramp(width: int = 1024, height: int = 16) -> np.ndarray:
    """Return a dark, smooth sky of 16 bits, (h, w, 3)."""
    line = np.linspace(0, 0.25, width)
    planes = [line * share for share in (0.7, 0.8, 1.0)]
    return np.rint(65_535 * np.stack(planes, axis=-1)).astype(np.uint16)[None].repeat(height, axis=0)


def png16(samples: np.ndarray, profile: bytes, color_type: int = 2) -> bytes:
    import zlib

    iccp = pictures.chunk(b"iCCP", b"p\0\0" + zlib.compress(profile))
    return pictures.raw_png(samples, color_type, bits=16, extra=iccp)


def truth(samples: np.ndarray, coding: Coding) -> np.ndarray:
    """Return levels of sRGB, not rounded, by the color engine, fed with 8 bits at 257 times the density.

    The engine knows 8 bits only: so each sample is between two of its results.
    """
    convert = srgb_converter(profile_of(coding), "RGB")
    below, above = samples // 257, np.minimum(samples // 257 + 1, 255)
    low, high = (
        np.asarray(convert(Image.fromarray(part.astype(np.uint8)))).astype(float) for part in (below, above)
    )
    return low + (high - low) * (samples % 257 / 257)


@pytest.mark.parametrize("coding", WIDE.values(), ids=WIDE)
def test_color_of_16_bits_is_rounded_once(coding):
    samples = ramp()
    rgb = decode(png16(samples, profile_of(coding) or b""), LIMITS).rgb
    assert np.abs(rgb - truth(samples, coding)).max() <= 6  # where the engine's own steps are coarse
    steps = np.diff(rgb[0].astype(int), axis=0)
    assert steps.min() >= -1  # a ramp goes up
    coarse = np.asarray(
        srgb_converter(profile_of(coding), "RGB")(Image.fromarray((samples >> 8).astype(np.uint8)))
    )
    assert steps.max() <= max(1, np.diff(coarse[0].astype(int), axis=0).max() // 2)


def test_a_linear_sky_of_16_bits_has_no_bands():
    levels = decode(png16(ramp(), profile_of(WIDE["linear P3"]) or b""), LIMITS).rgb[0, :, 2]
    assert np.diff(levels.astype(int)[32:]).max() <= 1
    assert len(np.unique(levels)) >= 110  # with the upper bytes alone 65


@pytest.mark.parametrize("order", ["little", "big"])
def test_tiff_of_16_bits_is_read_in_either_order(order):
    import tifffile

    buffer = BytesIO()
    profile = profile_of(WIDE["linear P3"])
    tifffile.imwrite(
        buffer, ramp(), byteorder={"little": "<", "big": ">"}[order], photometric="rgb", iccprofile=profile
    )
    expected = decode(png16(ramp(), profile or b""), LIMITS).rgb
    np.testing.assert_array_equal(decode(buffer.getvalue(), LIMITS).rgb, expected)


def test_alpha_of_16_bits_stays():
    samples = np.dstack([ramp(), np.full((16, 1024), 40_000, np.uint16)])
    image = decode(png16(samples, profile_of(WIDE["linear P3"]) or b"", 6), LIMITS)
    assert image.alpha is not None
    assert set(image.alpha.ravel().tolist()) == {40_000 >> 8}
    np.testing.assert_array_equal(
        image.rgb, decode(png16(ramp(), profile_of(WIDE["linear P3"]) or b""), LIMITS).rgb
    )


@pytest.mark.parametrize("name", COLORED)
def test_a_profile_that_cannot_be_read_finely_is_read_coarsely(name):
    samples = (pictures.gradient().astype(np.uint16)) * 257
    fine = decode(png16(samples, COLORED[name]), LIMITS).rgb.astype(int)
    coarse = decode(
        pictures.save(Image.fromarray(pictures.gradient()), "png", icc_profile=COLORED[name]), LIMITS
    )
    assert np.abs(fine - coarse.rgb).max() <= 2


def test_a_phones_picture_of_10_bits_keeps_them():
    """HEIC of more than 8 bits, for HDR screens: no band in the dark."""
    wide = np.rint(ramp(512, 64)).astype(np.uint16)
    image = phones.pillow_heif.from_bytes("RGB;16", (512, 64), wide.tobytes())
    buffer = BytesIO()
    image.save(buffer, quality=-1, chroma=444, color_primaries=12, transfer_characteristics=8)
    rgb = decode(buffer.getvalue(), LIMITS).rgb
    assert rgb.shape == (64, 512, 3)
    assert len(np.unique(rgb[32, :, 2])) >= 90


def lab(color: tuple[int, int, int]) -> bytes:
    spaces = ImageCms.createProfile("sRGB"), ImageCms.createProfile("LAB")
    convert = ImageCms.buildTransform(*spaces, "RGB", "LAB")
    image = ImageCms.applyTransform(Image.new("RGB", (32, 24), color), convert)
    return pictures.save(image, "tiff")


def test_lab_becomes_color():
    shown = decode(lab((200, 80, 40)), LIMITS).rgb[5, 5]
    assert np.abs(shown.astype(int) - (200, 80, 40)).max() <= 2


def test_the_profiles_own_intent_counts():
    """The header's number; never the absolute one, by which white paper is yellow."""
    for intent in range(4):
        profile = P3[:64] + intent.to_bytes(4, "big") + P3[68:]
        white = decode(pictures.profiled((255, 255, 255), profile=profile), LIMITS).rgb[5, 5]
        assert white.min() >= 254


def test_a_kept_profile_keeps_the_pixels():
    data = pictures.save(Image.fromarray(pictures.gradient()), "png", icc_profile=P3)
    kept, converted = decode(data, LIMITS, keeps_profile=True), decode(data, LIMITS)
    assert (kept.profile, converted.profile) == (P3, None)
    np.testing.assert_array_equal(kept.rgb, pictures.gradient())
    assert (converted.rgb != kept.rgb).any()


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_a_kept_profile_is_written(image_format):
    written = encode(pictures.gradient(), format=image_format, quality=95, profile=P3).data
    assert Image.open(BytesIO(written)).info["icc_profile"] == P3
    again = decode(written, LIMITS, keeps_profile=True)
    assert again.profile == P3
    assert np.abs(again.rgb.astype(int) - pictures.gradient()).mean() <= 4


@pytest.mark.parametrize(
    "data",
    [
        pictures.png(),
        pictures.cmyk_jpeg(),
        pictures.grey16_png(),
        pictures.profiled((9, 8, 7), profile=b"broken"),
        pictures.profiled(
            (9, 8, 7), profile=ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
        ),
    ],
)
def test_what_has_no_wide_profile_for_screens_is_srgb(data):
    assert decode(data, LIMITS, keeps_profile=True).profile is None
