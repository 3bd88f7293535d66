"""The project's own pictures."""

from atelier.demo.demo import draw_landscape, draw_painting


def test_the_landscape_is_the_same_each_time() -> None:
    first = draw_landscape(192, 128)
    assert first.size == (192, 128)
    assert first.tobytes() == draw_landscape(192, 128).tobytes()
    assert first.tobytes() != draw_landscape(192, 128, seed=1).tobytes()


def test_the_painting_is_the_same_each_time_and_bold() -> None:
    first = draw_painting(128)
    assert first.size == (128, 128)
    assert first.tobytes() == draw_painting(128).tobytes()
    assert all(high - low > 150 for low, high in first.getextrema())
