import itertools

import numpy as np
import pytest

from worker.kinds.optimizers import Adam, LimitedMemoryBFGS


def rosenbrock(point: np.ndarray) -> tuple[float, np.ndarray]:
    """A bent valley whose floor, at zero, is at (1, ..., 1)."""
    x, y = point[:-1], point[1:]
    gradient = np.zeros_like(point)
    gradient[:-1] = -400 * x * (y - x * x) - 2 * (1 - x)
    gradient[1:] += 200 * (y - x * x)
    return float(np.sum(100 * (y - x * x) ** 2 + (1 - x) ** 2)), gradient


class Counted:
    """A bowl 1,000 times as steep one way as another; counts its calls."""

    def __init__(self, size: int = 50) -> None:
        self.scales = np.geomspace(1, 1000, size)
        self.calls = 0

    def __call__(self, point: np.ndarray) -> tuple[float, np.ndarray]:
        self.calls += 1
        away = point - 0.3
        return float(0.5 * np.sum(self.scales * away**2)), self.scales * away


def test_lbfgs_finds_the_floor_of_rosenbrocks_valley() -> None:
    descent = LimitedMemoryBFGS(np.array([-1.2, 1.0] * 3), rosenbrock)
    for _ in range(120):
        descent.step()
    np.testing.assert_allclose(descent.point, 1.0, atol=1e-5)


def test_lbfgs_never_goes_up() -> None:
    descent = LimitedMemoryBFGS(np.array([-1.2, 1.0]), rosenbrock)
    values = [descent.step() for _ in range(60)]
    assert all(later <= earlier for earlier, later in itertools.pairwise(values))


def test_lbfgs_needs_few_calls_on_a_bowl() -> None:
    bowl = Counted()
    descent = LimitedMemoryBFGS(np.zeros(50), bowl)
    for _ in range(120):
        descent.step()
    assert bowl(descent.point)[0] < 1e-5  # it begins at 660; another implementation comes as far
    assert bowl.calls < 140


def test_lbfgs_works_on_pictures_in_single_precision() -> None:
    wanted = np.random.default_rng(0).random((6, 5, 3), np.float32)
    descent = LimitedMemoryBFGS(
        np.zeros_like(wanted), lambda x: (float(((x - wanted) ** 2).sum()), 2 * (x - wanted))
    )
    for _ in range(10):
        descent.step()
    assert descent.point.dtype == np.float32
    np.testing.assert_allclose(descent.point, wanted, atol=1e-3)


@pytest.mark.parametrize("value", [float("nan"), float("inf")])
def test_lbfgs_stays_where_it_is_when_the_function_fails_it(value: float) -> None:
    start = np.ones(3)

    def cliff(point: np.ndarray) -> tuple[float, np.ndarray]:
        return (1.0 if np.array_equal(point, start) else value), np.ones(3)

    descent = LimitedMemoryBFGS(start, cliff)
    descent.step()
    np.testing.assert_array_equal(descent.point, start)


def test_lbfgs_stays_at_a_minimum() -> None:
    descent = LimitedMemoryBFGS(np.full(50, 0.3), Counted())
    descent.step()
    np.testing.assert_allclose(descent.point, 0.3)


def test_adam_comes_close_and_stays_in_its_box() -> None:
    descent = Adam(np.zeros(50, np.float32), Counted(), steps=300, rate=0.02, box=(0.0, 0.25))
    for _ in range(300):
        descent.step()
    np.testing.assert_allclose(descent.point, 0.25, atol=0.01)
    assert descent.point.dtype == np.float32


def test_adam_moves_by_its_rate_at_first() -> None:
    descent = Adam(np.zeros(50, np.float32), Counted(), steps=10, rate=0.02, box=(0.0, 1.0))
    descent.step()
    np.testing.assert_allclose(descent.point, 0.02, rtol=1e-5)
