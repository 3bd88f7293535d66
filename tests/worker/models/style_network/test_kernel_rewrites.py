"""Each rewrite against the plain operation it stands for, in float64, on random tensors."""

import numpy as np
import pytest

from worker.models.style_network.fast import corner_kernel, grid_kernel

pytestmark = [pytest.mark.tensorflow]


def convolve(x: np.ndarray, kernel: np.ndarray) -> np.ndarray:
    import tensorflow as tf

    return tf.nn.conv2d(x[None], kernel, 1, "VALID")[0].numpy()


def to_cells(x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    height, width, channels = x.shape
    cells = x.reshape(height // rows, rows, width // columns, columns, channels).transpose(0, 2, 1, 3, 4)
    return cells.reshape(height // rows, width // columns, -1)


def from_cells(x: np.ndarray, rows: int, columns: int) -> np.ndarray:
    height, width, _ = x.shape
    cells = x.reshape(height, width, rows, columns, -1).transpose(0, 2, 1, 3, 4)
    return cells.reshape(height * rows, width * columns, -1)


@pytest.mark.parametrize(("size", "rows", "columns"), [(9, 2, 4), (9, 1, 8), (9, 4, 2), (5, 2, 2), (3, 1, 2)])
@pytest.mark.parametrize(("given", "made"), [(3, 8), (2, 1)])
def test_a_grid_kernel_is_the_kernel_on_cells(
    size: int, rows: int, columns: int, given: int, made: int
) -> None:
    random = np.random.default_rng(size)
    kernel = random.standard_normal((size, size, given, made))
    padded = random.standard_normal((3 * rows + size - 1, 5 * columns + size - 1, given))
    cells = convolve(to_cells(padded, rows, columns), grid_kernel(kernel, rows, columns))
    np.testing.assert_allclose(from_cells(cells, rows, columns), convolve(padded, kernel), atol=1e-12)


def test_cells_that_do_not_divide_the_padding_are_a_mistake() -> None:
    with pytest.raises(AssertionError, match="divide"):
        grid_kernel(np.zeros((9, 9, 1, 1), np.float32), 3, 4)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (5, 8), (1, 3)])
def test_a_corner_kernel_enlarges_reflects_and_convolves(height: int, width: int) -> None:
    random = np.random.default_rng(height)
    kernel, x = random.standard_normal((3, 3, 4, 5)), random.standard_normal((height, width, 4))
    enlarged = x.repeat(2, 0).repeat(2, 1)
    expected = convolve(np.pad(enlarged, [(1, 1), (1, 1), (0, 0)], mode="reflect"), kernel)
    small = np.pad(x, [(1, 1), (1, 1), (0, 0)], mode="edge")
    corners = from_cells(convolve(small, corner_kernel(kernel)), 2, 2)
    ring = np.pad(expected, [(1, 1), (1, 1), (0, 0)], mode="edge")
    np.testing.assert_allclose(corners, ring, atol=1e-12)


def test_rewritten_kernels_keep_their_type() -> None:
    kernel = np.ones((3, 3, 1, 1), np.float32)
    assert grid_kernel(kernel, 2, 2).dtype == corner_kernel(kernel).dtype == np.float32
