"""Pixels keep their meaning through resizing, sheets and the change between 8-bit and float."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from tests.support.images import pictures
from worker.codec.pixels import contact_sheet, enlarge, resize, to_color, to_float, to_uint8


@pytest.mark.parametrize("picture", [pictures.gradient(), pictures.gradient()[:, :, 0]])
def test_resize_takes_width_before_height(picture):
    assert resize(picture, 10, 6).shape[:2] == (6, 10)
    assert resize(picture, 100, 60).dtype == np.uint8


def test_resize_to_the_same_size_changes_nothing():
    np.testing.assert_array_equal(resize(pictures.gradient(), 32, 24), pictures.gradient())


def test_shrinking_averages_what_it_leaves_out():
    stripes = np.tile(np.array([0, 255], np.uint8), (256, 128))
    assert np.abs(resize(stripes, 32, 32)[4:-4, 4:-4].astype(int) - 127).max() <= 2


@given(arrays.arrays(np.uint8, (4, 5, 3)))
def test_float_and_back_is_the_same(pixels):
    as_float = to_float(pixels)
    assert as_float.dtype == np.float32
    assert 0 <= as_float.min() <= as_float.max() <= 1
    np.testing.assert_array_equal(to_uint8(as_float), pixels)


def test_every_level_survives_float():
    levels = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    np.testing.assert_array_equal(to_uint8(to_float(levels)), levels)


def test_values_outside_the_range_are_clipped():
    pixels = np.array([[[-3.0, 0.5, 9.0], [np.inf, -np.inf, 1.0]]], np.float32)
    assert to_uint8(pixels).tolist() == [[[0, 128, 255], [255, 0, 255]]]


def test_a_value_that_is_no_number_is_refused():
    with pytest.raises(ValueError, match="not numbers"):
        to_uint8(np.full((2, 2, 3), np.nan, np.float32))


def test_a_sheet_places_pictures_row_by_row():
    digits = [np.full((2, 3), level, np.uint8) for level in (10, 20, 30)]
    sheet = contact_sheet(digits, 2, gap=1, background=99)
    assert sheet.tolist() == [
        [10, 10, 10, 99, 20, 20, 20],
        [10, 10, 10, 99, 20, 20, 20],
        [99, 99, 99, 99, 99, 99, 99],
        [30, 30, 30, 99, 99, 99, 99],
        [30, 30, 30, 99, 99, 99, 99],
    ]


def test_a_sheet_keeps_the_channels():
    assert contact_sheet([pictures.gradient()] * 5, 3, gap=0).shape == (48, 96, 3)
    assert contact_sheet([np.zeros((28, 28, 1), np.uint8)], 8).shape == (28, 28, 1)


@pytest.mark.parametrize("shapes", [[], [(2, 2), (2, 3)]])
def test_a_sheet_needs_pictures_of_one_shape(shapes):
    with pytest.raises(ValueError, match="one shape"):
        contact_sheet([np.zeros(shape, np.uint8) for shape in shapes], 2)


@given(arrays.arrays(np.uint8, st.tuples(st.integers(1, 5), st.integers(1, 5), st.sampled_from([1, 3]))))
def test_every_pixel_becomes_a_block(pixels):
    large = enlarge(pixels, 3, "nearest")
    assert large.shape == (pixels.shape[0] * 3, pixels.shape[1] * 3, pixels.shape[2])
    assert all(np.array_equal(large[row::3, column::3], pixels) for row in range(3) for column in range(3))


@pytest.mark.parametrize("channels", [1, 3])
def test_enlarging_smoothly_keeps_the_picture(channels):
    small = pictures.gradient()[:, :, :channels]
    large = enlarge(small, 4, "lanczos")
    assert large.shape == (96, 128, channels)
    means = large.reshape(24, 4, 32, 4, channels).mean(axis=(1, 3))
    assert np.abs(means - small).mean() < 1


def test_enlarging_by_one_changes_nothing():
    np.testing.assert_array_equal(enlarge(pictures.gradient(), 1, "lanczos"), pictures.gradient())


def test_grey_becomes_color_and_color_stays():
    grey = pictures.gradient()[:, :, :1]
    assert to_color(grey).shape == (24, 32, 3)
    assert (to_color(grey) == grey).all()
    np.testing.assert_array_equal(to_color(pictures.gradient()), pictures.gradient())
