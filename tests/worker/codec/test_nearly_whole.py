"""A file that lacks its end is a picture as long as little of it is missing."""

from contextlib import suppress
from dataclasses import replace
from io import BytesIO

import numpy as np
import pytest
from PIL import Image

from shared.errors import CorruptImage
from shared.images.limits import ImageLimits
from shared.images.probe import ends_too_early, probe
from tests.support.images import pictures
from worker.codec.decode import decode

LIMITS = ImageLimits()
ANY = replace(LIMITS, max_missing_percent=100)
NONE = replace(LIMITS, max_missing_percent=0)
SIZE = (320, 240)


def of_mode(mode: str) -> bytes:
    with Image.open(BytesIO(pictures.photo(*SIZE, "png"))) as image:
        return pictures.save(image.convert(mode), "jpeg", quality=85)


JPEGS = {
    "baseline": pictures.photo(*SIZE),
    "progressive": pictures.photo(*SIZE, progressive=True),
    "grey": of_mode("L"),
    "ink": of_mode("CMYK"),
    "full chroma": pictures.photo(*SIZE, subsampling=0),
    "restart markers": pictures.photo(*SIZE, restart_marker_blocks=8),
    "oriented": pictures.oriented(6, width=240, height=320),
}
PNGS = {
    "color": pictures.photo(*SIZE, "png"),
    "grey": pictures.grey(*SIZE),
    "palette": pictures.save(Image.fromarray(pictures.gradient(*SIZE)).quantize(64), "png"),
    "alpha": pictures.save(Image.fromarray(pictures.gradient(*SIZE)).convert("RGBA"), "png"),
}


def rows_alike(data: bytes, whole: bytes) -> float:
    """Return the share of rows that are nearly as in the whole picture."""
    painted, expected = (decode(file, ANY).rgb.astype(int) for file in (data, whole))
    assert painted.shape == expected.shape
    return float((np.abs(painted - expected).max(axis=(1, 2)) <= 24).mean())


@pytest.mark.parametrize("whole", JPEGS.values(), ids=JPEGS)
@pytest.mark.parametrize(
    "lost", [b"", b"\0" * 700, b"\xff"], ids=["nothing behind", "zeros behind", "half a marker"]
)
def test_a_jpeg_without_its_end_marker_is_painted_whole(whole, lost):
    data = whole[:-2] + lost
    np.testing.assert_array_equal(decode(data, NONE).rgb, decode(whole, LIMITS).rgb)
    assert probe(data, NONE).is_truncated
    assert ends_too_early(data)


@pytest.mark.parametrize("whole", JPEGS.values(), ids=JPEGS)
def test_a_jpeg_without_its_last_bytes_is_painted_as_far_as_it_goes(whole):
    data = whole[:-32]
    assert rows_alike(data, whole) > 0.85
    assert decode(data, LIMITS).rgb.shape == decode(whole, LIMITS).rgb.shape


@pytest.mark.parametrize("size", [(32, 24), (48, 48), (100, 60)])
def test_a_small_jpeg_may_lack_its_last_blocks(size):
    data = pictures.photo(*size)[:-12]
    assert decode(data, LIMITS).rgb.shape == (size[1], size[0], 3)
    with pytest.raises(CorruptImage):
        probe(data, NONE)


@pytest.mark.parametrize("kind", [kind for kind in JPEGS if kind != "progressive"])
@pytest.mark.parametrize("share", [0.15, 0.5, 0.8])
def test_a_jpeg_that_lacks_much_is_refused_when_it_is_sent(kind, share):
    data = pictures.truncated(JPEGS[kind], share)
    with pytest.raises(CorruptImage) as caught:
        probe(data, LIMITS, field="/content")
    assert "% of its pixels are missing, and at most 10 % may be (max_missing_percent)" in caught.value.detail
    assert decode(data, ANY).rgb.size


@pytest.mark.parametrize("kind", ["baseline", "full chroma", "restart markers"])
@pytest.mark.parametrize("percent", [5, 20, 60])
def test_the_setting_says_how_much_may_be_missing(kind, percent):
    """The grain of the photo is even, so bytes and rows go together."""
    whole = JPEGS[kind]
    start = whole.rindex(b"\xff\xda")
    data = whole[: len(whole) - int((len(whole) - start) * percent / 100)]
    probe(data, replace(LIMITS, max_missing_percent=percent + 4))
    with pytest.raises(CorruptImage):
        probe(data, replace(LIMITS, max_missing_percent=percent - 4))


def test_a_progressive_jpeg_may_lack_what_nobody_sees_and_no_more():
    whole = JPEGS["progressive"]
    scans = [at for at in range(len(whole)) if whole.startswith(b"\xff\xda", at)]
    last, first = whole[: scans[-1] + 40], whole[: scans[1]]
    assert rows_alike(last, whole) > 0.95
    probe(last, NONE)
    with pytest.raises(CorruptImage, match="100 % of its pixels"):
        probe(first, LIMITS)
    assert decode(first, ANY).rgb.shape == (SIZE[1], SIZE[0], 3)


def test_a_jpeg_of_several_scans_is_measured_where_it_is_painted():
    """Three scans, one a color: the last brings the last color."""
    whole = pictures.separate_scans(*SIZE)
    probe(pictures.truncated(whole, 0.99), LIMITS)
    for share, limit in ((0.99, 10), (0.9, 90)):
        decode(pictures.truncated(whole, share), replace(LIMITS, max_missing_percent=limit))
    with pytest.raises(CorruptImage, match="of its pixels are missing"):
        decode(pictures.truncated(whole, 0.9), LIMITS)
    with pytest.raises(CorruptImage, match="100 % of its pixels"):
        probe(pictures.truncated(whole, 0.3), LIMITS)


@pytest.mark.parametrize("whole", PNGS.values(), ids=PNGS)
def test_a_png_without_its_end_is_painted_as_far_as_it_goes(whole):
    for lost in (10, 12, 16, 17, 40):
        data = whole[:-lost]
        assert rows_alike(data, whole) > 0.85
        assert probe(data, LIMITS).is_truncated
    np.testing.assert_array_equal(decode(whole[:-12], NONE).rgb, decode(whole, LIMITS).rgb)


@pytest.mark.parametrize("share", [0.2, 0.6, 0.85])
def test_a_png_that_lacks_much_is_refused_when_it_is_sent(share):
    data = pictures.truncated(PNGS["color"], share)
    with pytest.raises(CorruptImage, match=r"about \d+ % of its pixels are missing"):
        probe(data, LIMITS)
    assert rows_alike(data, PNGS["color"]) > share - 0.1


def test_an_interlaced_png_is_measured_by_its_passes():
    samples = np.random.default_rng(3).integers(0, 255, (64, 64))
    whole = pictures.interlaced_png(samples)
    np.testing.assert_array_equal(decode(whole, LIMITS).rgb[:, :, 0], samples)
    assert decode(whole[:-40], LIMITS).rgb.shape == (64, 64, 3)
    with pytest.raises(CorruptImage, match=r"about 5[0-9] %"):
        probe(pictures.truncated(whole, 0.5), LIMITS)


def test_a_bmp_without_its_last_rows_is_painted():
    whole = pictures.bmp(*SIZE)
    data = whole[: -5 * SIZE[0] * 3]
    rgb = decode(data, LIMITS).rgb
    np.testing.assert_array_equal(rgb[5:], pictures.gradient(*SIZE)[5:])
    assert not rgb[:5].any()
    with pytest.raises(CorruptImage, match="about 50 %"):
        probe(pictures.truncated(whole, 0.5), LIMITS)


def test_a_webp_says_when_it_ends_within_its_pixels():
    whole = pictures.webp(*SIZE)
    with pytest.raises(CorruptImage, match="it ends too early: its pixels cannot be read without their end"):
        probe(whole[:-40], LIMITS)


def test_a_gif_without_its_trailer_is_painted():
    whole = pictures.gif()
    np.testing.assert_array_equal(decode(whole[:-1], NONE).rgb, decode(whole, LIMITS).rgb)
    assert ends_too_early(whole[:-1])


@pytest.mark.parametrize("data", pictures.ordinary().values(), ids=pictures.ordinary())
def test_whole_files_are_not_taken_for_truncated(data):
    assert not probe(data, LIMITS).is_truncated
    assert not ends_too_early(data)
    assert not ends_too_early(data + b"anything")


@pytest.mark.parametrize("whole", [JPEGS["baseline"], JPEGS["progressive"], PNGS["color"]])
def test_wherever_a_file_is_cut_it_is_painted_or_refused(whole):
    for length in range(8, len(whole), max(1, len(whole) // 60)):
        with suppress(CorruptImage):
            info = probe(whole[:length], LIMITS)
            assert decode(whole[:length], LIMITS).rgb.shape == (info.height, info.width, 3)
