"""Walks keep to the sphere, meet their points exactly, and know what to do where there is no direction."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from worker.models.generation.latents import walk

NORMALS, CLASSES = 6, 3
POINTS = arrays.arrays(
    np.float32, (2, NORMALS + CLASSES), elements=st.floats(-100, 100, width=32, allow_subnormal=False)
)


def normals(count: int = 2, size: int = 90) -> np.ndarray:
    return np.random.default_rng(5).standard_normal((count, size)).astype(np.float32)


@given(points=POINTS, steps=st.integers(2, 9))
def test_every_place_is_a_number_and_both_ends_are_exact(points, steps):
    way = walk(points, NORMALS, steps)
    assert way.shape == (steps, NORMALS + CLASSES)
    assert np.isfinite(way).all()
    assert way[0].tobytes() == points[0].tobytes()
    assert way[-1].tobytes() == points[1].tobytes()


@given(points=POINTS, steps=st.integers(3, 9))
def test_lengths_change_evenly(points, steps):
    way = walk(points, NORMALS, steps)[:, :NORMALS].astype(float)
    lengths = np.linalg.norm(way, axis=1)
    assert np.allclose(lengths, np.linspace(lengths[0], lengths[-1], steps), rtol=1e-3, atol=1e-3)


def test_directions_turn_evenly():
    way = walk(normals(), 90, 11).astype(float)
    heads = way / np.linalg.norm(way, axis=1, keepdims=True)
    angles = np.arccos(np.sum(heads[1:] * heads[:-1], axis=1))
    assert np.ptp(angles) < 1e-5


def test_classes_are_mixed_linearly():
    points = np.concatenate([normals(size=NORMALS), np.eye(3, dtype=np.float32)[[0, 2]]], axis=1)
    way = walk(points, NORMALS, 5)
    assert np.allclose(way[:, NORMALS:], [[1 - t, 0, t] for t in (0, 0.25, 0.5, 0.75, 1)])


def test_a_point_between_two_stretches_counts_once():
    points = normals(4)
    way = walk(points, 90, 5)
    assert len(way) == 13
    assert np.array_equal(way[::4], points)


def test_the_way_between_opposite_points_stays_on_the_sphere():
    point = normals(1)[0]
    way = walk(np.stack([point, -point]), 90, 7).astype(float)
    assert np.allclose(np.linalg.norm(way, axis=1), np.linalg.norm(point))
    assert len({row.tobytes() for row in way}) == 7


@pytest.mark.parametrize("ends", [(0, 1), (1, 0), (0, 0)])
def test_the_origin_is_left_and_reached_in_a_straight_line(ends):
    point = normals(1)[0]
    way = walk(np.stack([point * end for end in ends]).astype(np.float32), 90, 3)
    assert np.allclose(way[1], point * sum(ends) / 2)


def test_a_walk_back_is_the_same_walk():
    points = normals()
    assert np.allclose(walk(points, 90, 6), walk(points[::-1], 90, 6)[::-1], atol=1e-6)
