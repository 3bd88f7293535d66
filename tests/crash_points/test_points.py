"""The table of points fits the source: what each names is there to be called."""

import pytest

from tests.crash_points.points import POINTS, Point


@pytest.mark.parametrize("point", POINTS, ids=lambda point: point.name)
def test_what_a_point_names_can_be_called(point: Point) -> None:
    assert callable(getattr(*point.where()))
