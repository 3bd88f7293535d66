"""What much work would take: by what was measured, else by the documentation, and never more exactly."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from shared.cards.card import load_catalog
from shared.errors import InvalidRequest
from shared.owners.usage import Usage
from shared.planning.plan import Asked, Measured, Plan, plan
from shared.planning.rates import OneJob, one_job
from shared.redis.memory_guard import StoreMemory
from shared.specs.parts import PictureSize
from shared.workers import Worker

DAY, WEEK = 24 * 3600, 7 * 24 * 3600
MILLION = 1_000_000
PHOTO = PictureSize(1024, 1024)
WORKER = Worker("w-1-a", 4, (), runners=2)
NOTHING = Measured({}, (), (), StoreMemory(0, 0))


def job(name: str = "mnist-dcgan", size: PictureSize | None = None) -> OneJob:
    return one_job(load_catalog().get(name), size)


def planned(measured: Measured = NOTHING, one: OneJob | None = None, **how: int) -> Plan:
    asked = Asked(one or job(), MILLION, DAY, kept_seconds=WEEK)
    return plan(replace(asked, **how), measured)


def durations(one: OneJob, milliseconds: float) -> Mapping[str, str]:
    return {one.work: f"{milliseconds} {milliseconds} 100"}


def used(name: str, jobs: int, milliseconds: int, pixels: int, size: int) -> Usage:
    return Usage("shop", None, name, jobs, milliseconds, pixels, size)


def test_what_was_measured_here_goes_before_the_documentation() -> None:
    measured = replace(NOTHING, durations=durations(job(), 50.0), workers=(WORKER, WORKER))
    found = planned(measured)
    assert found.seconds_a_job.low < 0.05 < found.seconds_a_job.high
    assert "measured here: durations" in found.seconds_a_job.basis
    assert (found.slots_a_worker, found.workers) == (2, 2)
    # 50,000 s of work in 86,400 s of two slots a worker: one is enough, and the two take 3.5 hours.
    assert (found.workers_wanted.low, found.workers_wanted.high) == (1, 1)
    assert found.hours is not None
    assert found.hours.low < 50_000 / 4 / 3600 < found.hours.high
    assert found.warnings == ()


def test_a_tighter_deadline_wants_more_workers_and_given_workers_are_counted_on() -> None:
    measured = replace(NOTHING, durations=durations(job(), 50.0), workers=(WORKER,))
    tight = planned(measured, deadline_seconds=600, workers=100)
    assert tight.workers_wanted.low <= 50_000 / 600 / 2 <= tight.workers_wanted.high
    assert (tight.workers, tight.kept_jobs) == (100, MILLION)
    assert tight.hours is not None
    assert tight.hours.low < 50_000 / 200 / 3600 < tight.hours.high


def test_the_usage_of_the_last_days_is_scaled_by_pixels_and_by_slots_that_share_cores() -> None:
    photo = job("magenta-mobile", PHOTO)
    smaller = photo.made.pixels // 4
    entry = used("magenta-mobile", 10, 40_000, 10 * smaller, 10 * 300_000)
    found = planned(replace(NOTHING, used=(entry,), workers=(WORKER,)), photo)
    # 4 s of one of four slots on two cores, of pictures of a quarter of the pixels: 8 s.
    assert found.seconds_a_job.low == pytest.approx(8 / 1.5)
    assert found.seconds_a_job.high == pytest.approx(8 * 1.5)
    assert found.storage_bytes.low < 1.2e6 * MILLION < found.storage_bytes.high
    versioned = replace(entry, model="magenta-mobile@1")
    assert planned(replace(NOTHING, used=(versioned,), workers=(WORKER,)), photo) == found


def test_without_any_measurement_the_source_of_the_rates_is_named() -> None:
    digits, photos = planned(), planned(NOTHING, job("magenta-mobile", PHOTO))
    for found in (digits, photos):
        assert "not measured here: docs/benchmarks.md" in found.seconds_a_job.basis
        assert found.seconds_a_job.high > 5 * found.seconds_a_job.low
        assert (found.hours, found.workers) == (None, 0)
        assert any("no worker lives" in warning for warning in found.warnings)
    assert digits.input_bytes is None
    assert photos.input_bytes is not None
    enlarged = planned(NOTHING, job("enlarge-x4plus", PHOTO))
    assert 180 < enlarged.seconds_a_job.low < enlarged.seconds_a_job.high < 760


def test_a_model_of_which_nothing_is_known_is_refused_by_name() -> None:
    with pytest.raises(InvalidRequest, match="no job of multistyle-26 was measured here") as refused:
        planned(NOTHING, job("multistyle-26"))
    assert refused.value.errors[0].pointer == "/model"


def test_results_are_kept_as_long_as_they_are_and_no_longer() -> None:
    year = planned(deadline_seconds=52 * WEEK)
    assert year.kept_jobs == pytest.approx(MILLION / 52, abs=1)
    assert year.storage_bytes.high < planned().storage_bytes.low
    assert year.store_bytes.low == 830 * MILLION  # all wait at first


def test_a_job_store_that_is_too_small_is_told_and_so_is_a_size_that_is_assumed() -> None:
    full = planned(replace(NOTHING, memory=StoreMemory(used=200_000_000, most=800_000_000)))
    assert any("600 MB left" in warning for warning in full.warnings)
    assert not any("left of its" in warning for warning in planned().warnings)
    assumed = planned(NOTHING, job("magenta-mobile"))
    assert any("1024 x 768 pixels are assumed" in warning for warning in assumed.warnings)


def test_every_kind_of_model_has_a_job_to_plan() -> None:
    for card in load_catalog():
        assert one_job(card, PictureSize(64, 64)).work.startswith(card.name)
