import numpy as np
import pytest

from worker.training.metrics import Gaussian, frechet_distance


def test_a_cloud_is_at_no_distance_from_itself() -> None:
    cloud = Gaussian.of(np.random.default_rng(1).standard_normal((50, 8), np.float32))
    assert frechet_distance(cloud, cloud) == pytest.approx(0, abs=1e-6)


def test_the_distance_of_independent_normals_is_that_of_means_and_deviations() -> None:
    one = Gaussian(np.array([1.0, 0.0]), np.diag([4.0, 9.0]))
    other = Gaussian(np.array([0.0, 2.0]), np.diag([1.0, 1.0]))
    assert frechet_distance(one, other) == pytest.approx(1 + 4 + 1 + 4)


def test_the_order_does_not_matter() -> None:
    chance = np.random.default_rng(2)
    one, other = (Gaussian.of(chance.standard_normal((40, 5)).astype(np.float32)) for _ in range(2))
    assert frechet_distance(one, other) == pytest.approx(frechet_distance(other, one))
