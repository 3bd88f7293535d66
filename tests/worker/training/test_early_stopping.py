import pytest

from worker.training.early_stopping import EarlyStopping, step_settings, total_cooling_from


def test_rates_hold_and_then_fall_in_a_line_to_nothing() -> None:
    rates = [step_settings(step, 100, 4.0, 2.0).generator_rate for step in (0, 60, 80, 99, 100)]
    assert rates == pytest.approx([4, 4, 2, 0.1, 0])
    assert step_settings(80, 100, 4.0, 2.0).discriminator_rate == pytest.approx(1)


def test_the_average_gets_longer_twice() -> None:
    decays = [step_settings(step, 200_000, 1.0, 1.0).average_decay for step in (0, 80, 119_999, 120_000)]
    assert decays == pytest.approx([0.1, 0.9, 0.999, 0.9995])


def test_a_run_cut_short_is_as_one_planned_that_short() -> None:
    total = total_cooling_from(600)
    assert total == 1000
    assert [step_settings(step, total, 1.0, 1.0) for step in range(600)] == [
        step_settings(step, 9000, 1.0, 1.0) for step in range(600)
    ]
    assert step_settings(601, total, 1.0, 1.0).generator_rate < 1


def test_the_best_check_is_remembered() -> None:
    stopping = EarlyStopping(1000).after(3.0, 100, 2).after(2.0, 200, 2).after(2.5, 300, 2)
    assert (stopping.best_step, stopping.best_quality, stopping.checks_since) == (200, 2.0, 1)
    assert stopping.total == 1000


def test_lost_patience_brings_the_run_to_its_end_early() -> None:
    stopping = EarlyStopping(10_000).after(2.0, 100, 2).after(2.5, 200, 2).after(2.1, 300, 2)
    assert stopping.total == 500


def test_the_end_comes_no_second_time() -> None:
    stopping = EarlyStopping(10_000).after(2.0, 100, 1).after(2.5, 300, 1)
    assert stopping.total == 500
    assert stopping.after(2.6, 400, 1).after(2.6, 500, 1).total == 500


def test_patience_0_never_ends() -> None:
    stopping = EarlyStopping(10_000).after(1.0, 100, 0)
    for step in range(200, 2000, 100):
        stopping = stopping.after(2.0, step, 0)
    assert stopping.total == 10_000
