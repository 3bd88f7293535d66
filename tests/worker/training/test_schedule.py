import pytest

from worker.training.schedule import step_sizes_at, total_cooling_from


def test_rates_hold_and_then_fall_in_a_line_to_nothing() -> None:
    rates = [step_sizes_at(step, 100, 4.0, 2.0).generator_rate for step in (0, 60, 80, 99, 100)]
    assert rates == pytest.approx([4, 4, 2, 0.1, 0])
    assert step_sizes_at(80, 100, 4.0, 2.0).discriminator_rate == pytest.approx(1)


def test_the_average_gets_longer_twice() -> None:
    decays = [step_sizes_at(step, 200_000, 1.0, 1.0).average_decay for step in (0, 80, 119_999, 120_000)]
    assert decays == pytest.approx([0.1, 0.9, 0.999, 0.9995])


def test_a_run_cut_short_is_as_one_planned_that_short() -> None:
    total = total_cooling_from(600)
    assert total == 1000
    assert [step_sizes_at(step, total, 1.0, 1.0) for step in range(600)] == [
        step_sizes_at(step, 9000, 1.0, 1.0) for step in range(600)
    ]
    assert step_sizes_at(601, total, 1.0, 1.0).generator_rate < 1
