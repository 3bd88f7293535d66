"""Files come out the same every time, with the pixels asked for and no metadata but the texts of a PNG."""

from io import BytesIO

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from PIL import Image

from shared.errors import ImageTooLarge
from shared.images.limits import ImageLimits
from tests.support.images import pictures
from worker.codec.decode import decode
from worker.codec.encode import encode

LIMITS = ImageLimits(min_side=1, max_side=20_000)
FORMATS = ["png", "jpeg", "webp"]
GRADIENT = pictures.gradient()
ALPHA = np.ascontiguousarray(GRADIENT[:, :, 1])


def opened(data: bytes) -> Image.Image:
    image = Image.open(BytesIO(data))
    image.load()
    return image


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_file_says_what_it_is(image_format):
    file = encode(GRADIENT, format=image_format, quality=90)
    assert (file.media_type, file.width, file.height) == (f"image/{image_format}", 32, 24)
    assert opened(file.data).format == image_format.upper()


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("alpha", [None, ALPHA])
def test_the_same_pixels_give_the_same_bytes(image_format, alpha):
    first, second = (encode(GRADIENT.copy(), format=image_format, quality=80, alpha=alpha) for _ in range(2))
    assert first == second


@pytest.mark.parametrize("image_format", FORMATS)
def test_a_file_carries_no_metadata(image_format):
    info = opened(encode(GRADIENT, format=image_format, quality=80, text={"key": "kept"}).data).info
    layout = {
        "jfif",
        "jfif_version",
        "jfif_unit",
        "jfif_density",
        "loop",
        "background",
        "timestamp",
        "duration",
    }
    assert set(info) - layout == ({"key"} if image_format == "png" else set())


def test_a_png_carries_its_texts_in_any_script():
    text = {"atelier:seed": "7", "atelier:model": "Größe → 大"}
    assert opened(encode(GRADIENT, format="png", quality=1, text=text).data).info == text


def test_the_order_of_the_texts_changes_nothing():
    first = encode(GRADIENT, format="png", quality=1, text={"a": "1", "b": "2"})
    assert first == encode(GRADIENT, format="png", quality=1, text={"b": "2", "a": "1"})


@pytest.mark.parametrize("image_format", FORMATS)
@pytest.mark.parametrize("shape", [(24, 32), (24, 32, 1)])
def test_grey_stays_grey(image_format, shape):
    file = encode(GRADIENT[:, :, 0].reshape(shape), format=image_format, quality=90)
    pixels = decode(file.data, LIMITS).rgb
    assert np.ptp(pixels, axis=2).max() <= (3 if image_format == "webp" else 0)
    assert opened(file.data).mode == ("RGB" if image_format == "webp" else "L")


@pytest.mark.parametrize("picture", [GRADIENT, GRADIENT[:, :, 0]])
@pytest.mark.parametrize("image_format", ["png", "webp"])
def test_alpha_is_kept(picture, image_format):
    image = decode(encode(picture, format=image_format, quality=90, alpha=ALPHA).data, LIMITS)
    assert image.alpha is not None
    np.testing.assert_array_equal(image.alpha, ALPHA)


@pytest.mark.parametrize("picture", [GRADIENT, GRADIENT[:, :, 0]])
def test_a_jpeg_is_laid_over_white(picture):
    file = encode(picture, format="jpeg", quality=95, alpha=ALPHA)
    color = picture.reshape(24, 32, -1).astype(float)
    opacity = ALPHA[:, :, None] / 255
    expected = color * opacity + 255 * (1 - opacity)
    assert np.abs(decode(file.data, LIMITS).rgb - expected).max() <= 12


@pytest.mark.parametrize("image_format", ["jpeg", "webp"])
def test_more_quality_takes_more_bytes(image_format):
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), dtype=np.uint8)
    sizes = [len(encode(noise, format=image_format, quality=quality).data) for quality in (20, 60, 95)]
    assert sizes == sorted(sizes)


def test_a_side_that_the_format_cannot_hold_is_refused():
    strip = np.zeros((1, 16_384, 3), np.uint8)
    with pytest.raises(ImageTooLarge, match="webp file holds at most 16383"):
        encode(strip, format="webp", quality=80)
    assert encode(strip, format="png", quality=80).width == 16_384


def test_floats_are_no_pixels():
    with pytest.raises(ValueError, match="float32"):
        encode(GRADIENT.astype(np.float32), format="png", quality=80)


SIZES = st.tuples(st.integers(1, 24), st.integers(1, 24))


@given(SIZES.flatmap(lambda size: arrays.arrays(np.uint8, (*size, 3))))
def test_a_png_gives_its_pixels_back(pixels):
    image = decode(encode(pixels, format="png", quality=80).data, LIMITS)
    np.testing.assert_array_equal(image.rgb, pixels)
    assert image.alpha is None


@given(SIZES.flatmap(lambda size: arrays.arrays(np.uint8, (*size, 4))))
def test_a_png_gives_color_and_alpha_back(pixels):
    color, alpha = pixels[:, :, :3], pixels[:, :, 3]
    image = decode(encode(color, format="png", quality=80, alpha=alpha).data, LIMITS)
    np.testing.assert_array_equal(image.rgb, np.where(alpha[:, :, None] == 0, 0, color))
    np.testing.assert_array_equal(np.full_like(alpha, 255) if image.alpha is None else image.alpha, alpha)
