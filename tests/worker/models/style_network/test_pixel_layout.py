"""Layouts and moves against numpy's padding, exactly: they only copy."""

import numpy as np
import pytest

pytestmark = [pytest.mark.tensorflow]

SIZES = [(8, 8), (12, 20), (16, 24)]
CHANNELS = 3


def picture(height: int, width: int) -> np.ndarray:
    return np.arange(height * width * CHANNELS, dtype=np.float32).reshape(height, width, CHANNELS)


def stored(x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    height, width, channels = x.shape
    cells = x.reshape(height // rows, rows, width // columns, columns, channels).transpose(0, 2, 1, 3, 4)
    return np.ascontiguousarray(cells).reshape(1, height // rows, width // columns, -1)


def padded(x: np.ndarray, before: int, after: int, mode: str) -> np.ndarray:
    return np.pad(x, [(before, after), (before, after), (0, 0)], mode=mode)


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize(("before", "after"), [(4, 4), (1, 0), (1, 1), (0, 0)])
def test_reflected_positions_are_those_of_numpys_padding(
    height: int, width: int, before: int, after: int
) -> None:
    from worker.models.style_network.pixel_layout import PLAIN, Move, reflected

    rows, columns = (reflected(side, before, after) for side in (height, width))
    moved = Move.between(PLAIN, PLAIN, rows, columns, width)(picture(height, width), CHANNELS)
    np.testing.assert_array_equal(moved[0], padded(picture(height, width), before, after, "reflect"))


def test_repeated_positions_copy_the_edge() -> None:
    from worker.models.style_network.pixel_layout import PLAIN, Move, repeated

    moved = Move.between(PLAIN, PLAIN, repeated(4, 1), repeated(6, 1), 6)(picture(4, 6), CHANNELS)
    np.testing.assert_array_equal(moved[0], padded(picture(4, 6), 1, 1, "edge"))


@pytest.mark.parametrize(("height", "width"), SIZES)
@pytest.mark.parametrize("source", [(1, 1, 0), (2, 4, 0), (2, 2, 1)])
@pytest.mark.parametrize("target", [(1, 1), (2, 4), (4, 2)])
def test_a_move_pads_from_any_layout_to_any(
    height: int, width: int, source: tuple[int, int, int], target: tuple[int, int]
) -> None:
    from worker.models.style_network.pixel_layout import Move, PixelLayout, reflected

    old, new = PixelLayout(*source), PixelLayout(*target)
    given = stored(padded(picture(height, width), old.ring, old.ring, "edge"), old.rows, old.columns)
    move = Move.between(old, new, reflected(height, 4, 4), reflected(width, 4, 4), width)
    expected = stored(padded(picture(height, width), 4, 4, "reflect"), new.rows, new.columns)
    np.testing.assert_array_equal(move(given, CHANNELS), expected)


def test_the_ring_can_be_kept_as_padding() -> None:
    from worker.models.style_network.pixel_layout import CELLS, Moves

    with_ring = padded(picture(8, 12), 1, 1, "edge")
    moved = Moves.of((16, 24, 3), CELLS).enlarge_again(stored(with_ring, 2, 2), CHANNELS)
    np.testing.assert_array_equal(moved[0], with_ring)


def test_the_last_move_undoes_the_cells() -> None:
    from worker.models.style_network.pixel_layout import CELLS, Moves

    move = Moves.of((8, 12, 3), CELLS).end
    moved = move(stored(picture(8, 12), CELLS.rows, CELLS.columns), CELLS.columns * CHANNELS)
    np.testing.assert_array_equal(np.reshape(moved, (8, 12, CHANNELS)), picture(8, 12))
