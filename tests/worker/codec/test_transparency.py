"""Color and alpha are scaled as they are seen: on any ground they look like the large picture made small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from shared.images.limits import ImageLimits
from tests.support.images import pictures
from worker.codec import pixels as pixel_arrays
from worker.codec import upright
from worker.codec.decode import decode
from worker.codec.pixels import compose, fill_hidden, resize, resize_with_alpha

LIMITS = ImageLimits()
ORDINARY = pictures.ordinary()
RED = (220, 30, 40)


def disc(side: int, hidden: tuple[int, int, int]) -> tuple[np.ndarray, np.ndarray]:
    """Return a soft-edged red disc; where it is transparent altogether it has another color."""
    distance = np.hypot(*(np.mgrid[:side, :side] - side / 2 + 0.5))
    alpha = (np.clip(side * 0.4 - distance, 0, 1) * 255).astype(np.uint8)
    return np.where(alpha[..., None] > 0, RED, hidden).astype(np.uint8), alpha


@pytest.mark.parametrize("side", [30, 60, 137, 300])
@pytest.mark.parametrize("hidden", [(0, 255, 0), (255, 255, 255)])
def test_an_edge_keeps_its_color_when_it_is_made_smaller(side, hidden):
    rgb, alpha = resize_with_alpha(*disc(400, hidden), side, side)
    assert rgb.shape == (side, side, 3)
    assert 0 < alpha[alpha > 0].min() < 255
    assert np.abs(rgb[alpha > 0].astype(int) - RED).max() <= 1
    assert (rgb[alpha == 0] == 0).all()


@pytest.mark.parametrize("ground", [0, 128, 255])
def test_on_any_ground_the_small_picture_is_the_large_one_made_small(ground):
    rgb = pictures.gradient(160, 120)
    alpha = np.ascontiguousarray(pictures.gradient(120, 160)[:, :, 1].T)
    small, small_alpha = resize_with_alpha(rgb, alpha, 64, 48)
    expected = resize(compose(rgb, alpha, ground), 64, 48)
    assert np.abs(compose(small, small_alpha, ground).astype(int) - expected).max() <= 2


@pytest.mark.parametrize("size", [(37, 53), (300, 200)])
def test_strips_do_not_show(monkeypatch, size):
    random = np.random.default_rng(5)
    rgb, alpha = random.integers(0, 256, (90, 140, 3), np.uint8), random.integers(0, 256, (90, 140), np.uint8)
    whole = resize_with_alpha(rgb, alpha, *size)
    monkeypatch.setattr(pixel_arrays, "_SOURCE_ROWS", 7)
    for one, other in zip(whole, resize_with_alpha(rgb, alpha, *size), strict=True):
        assert np.abs(one.astype(int) - other).max() <= 1


def test_what_keeps_its_size_keeps_its_pixels():
    rgb, alpha = disc(50, (9, 9, 9))
    assert resize_with_alpha(rgb, alpha, 50, 50)[0] is rgb
    assert resize_with_alpha(rgb, None, 20, 20)[1] is None


def test_hidden_places_take_the_colors_beside_them():
    rgb, alpha = disc(64, (0, 255, 0))
    filled = fill_hidden(rgb, alpha)
    assert np.abs(filled.astype(int) - RED).max() <= 2


def test_a_picture_that_is_hidden_altogether_has_no_color_to_take():
    nothing = np.zeros((9, 7, 3), np.uint8)
    assert (fill_hidden(nothing, np.zeros((9, 7), np.uint8)) == 0).all()


@given(st.integers(0, 2**32 - 1), st.integers(1, 40), st.integers(1, 40))
def test_filling_changes_nothing_that_can_be_seen(seed, width, height):
    random = np.random.default_rng(seed)
    rgb = random.integers(0, 256, (height, width, 3), np.uint8)
    alpha = random.choice(np.array([0, 0, 1, 255], np.uint8), (height, width))
    filled = fill_hidden(rgb, alpha)
    assert (filled[alpha > 0] == rgb[alpha > 0]).all()
    other = np.where(alpha[..., None] > 0, rgb, 255 - rgb)
    assert (fill_hidden(other, alpha) == filled).all()


@pytest.mark.parametrize("data", ORDINARY.values(), ids=ORDINARY)
def test_no_picture_shows_that_it_was_drawn_in_strips(monkeypatch, data):
    whole = decode(data, LIMITS)
    monkeypatch.setattr(upright, "_STRIP_PIXELS", 100)
    strips = decode(data, LIMITS)
    np.testing.assert_array_equal(strips.rgb, whole.rgb)
    np.testing.assert_array_equal(strips.alpha, whole.alpha)


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("image_format", ["jpeg", "png", "webp", "tiff"])
def test_a_picture_larger_than_needed_is_reduced_while_it_is_decoded(image_format, orientation):
    data = pictures.oriented(orientation, image_format, 640, 440)
    reduced = decode(data, LIMITS, enough=lambda _: (20, 30)).rgb
    height, width = reduced.shape[:2]
    assert 3 * 20 <= width < 2 * 3 * 20
    assert 3 * 30 <= height < 2 * 3 * 30
    expected = Image.fromarray(pictures.gradient(640, 440)).resize((width, height), Image.Resampling.BOX)
    assert np.abs(reduced.astype(int) - np.asarray(expected)).mean() <= 2


def test_reduced_pictures_are_seen_as_before():
    rgb, alpha = disc(512, (0, 255, 0))
    data = pictures.save(Image.fromarray(np.dstack([rgb, alpha])), "png")
    reduced = decode(data, LIMITS, enough=lambda _: (20, 20))
    assert reduced.rgb.shape[0] < 130
    opaque = reduced.alpha > 64
    assert np.abs(reduced.rgb[opaque].astype(int) - RED).max() <= 3


def test_a_picture_that_is_not_much_larger_is_not_reduced():
    assert decode(pictures.photo(119, 119), LIMITS, enough=lambda _: (20, 20)).rgb.shape == (119, 119, 3)


@pytest.mark.parametrize("hidden", [(0, 0, 0), (9, 200, 30)])
def test_a_lossless_webp_is_reduced_like_other_files_and_shows_no_hidden_color(hidden) -> None:
    pixels = np.dstack([pictures.gradient(450, 600), np.tile(np.linspace(0, 255, 450), (600, 1))])
    pixels[:, :60] = (*hidden, 0)
    image = Image.fromarray(pixels.round().astype(np.uint8))
    webp, png = (
        decode(pictures.save(image, kind, **options), LIMITS, enough=lambda _: (48, 64))
        for kind, options in (("webp", {"lossless": True, "exact": True}), ("png", {}))
    )
    assert (webp.rgb.shape, webp.size) == (png.rgb.shape, png.size) == ((200, 150, 3), (450, 600))
    assert np.array_equal(webp.alpha, png.alpha)
    seen = webp.alpha[..., None] / 255
    assert np.abs(webp.rgb * seen - png.rgb * seen).max() < 2
    assert not webp.rgb[webp.alpha == 0].any()
