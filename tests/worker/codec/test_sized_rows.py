"""A picture that comes in rows gets an exact size, the same however the rows are cut."""

import numpy as np
import pytest

from tests.support.images import pictures
from worker.codec.pixels import resize
from worker.codec.sized_rows import SizedRows

SIZES = [(300, 200), (97, 131), (160, 120), (641, 517), (40, 1), (1, 40)]  # of 160 x 120 pixels


def source() -> np.ndarray:
    noise = np.random.default_rng(3).integers(-30, 30, (120, 160, 3))
    return np.clip(pictures.gradient(160, 120).astype(int) + noise, 0, 255).astype(np.uint8)


def sized(picture: np.ndarray, size: tuple[int, int], pieces: list[int]) -> np.ndarray:
    made = SizedRows(len(picture), np.zeros((size[1], size[0], 3), np.uint8))
    for rows in np.split(picture, pieces):
        made.take(rows)
    return made.picture


@pytest.mark.parametrize("size", SIZES)
def test_it_is_what_the_whole_picture_becomes(size: tuple[int, int]) -> None:
    made = sized(source(), size, [])
    whole = resize(resize(source(), size[0], 120), *size)
    assert np.abs(made.astype(int) - whole).max() <= 1


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("pieces", [list(range(1, 120)), [119], [0, 7, 7, 50, 113, 120]])
def test_however_its_rows_are_cut_the_bytes_are_the_same(size: tuple[int, int], pieces: list[int]) -> None:
    np.testing.assert_array_equal(sized(source(), size, pieces), sized(source(), size, []))


@pytest.mark.parametrize("height", [600, 4000])
def test_few_rows_are_kept(height: int) -> None:
    kept, made = [], SizedRows(2000, np.empty((height, 10, 3), np.uint8))
    for _ in range(500):
        made.take(np.zeros((4, 20, 3), np.uint8))
        kept.append(len(made._kept))
    assert max(kept) <= 64 * 2000 / height + 40
