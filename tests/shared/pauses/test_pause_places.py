"""The place and the time that waiting jobs are told while something is paused."""

import pytest

from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.pauses.pause import Pause
from shared.redis.client import server_time
from shared.workers import Capacity
from tests.support.jobs.batch_steps import draft, items
from tests.support.jobs.job_steps import submission, submit

COST = 2.0  # seconds of every job
HOUR = 3600.0


@pytest.fixture
def measured(store: JobStore) -> JobStore:
    store.client.hset("atelier:pace", mapping=dict.fromkeys(("a:3", "b:3", "a:", "b:"), f"{COST * 1000}"))
    return store


def submit_to(store: JobStore, model: str) -> str:
    spec = submission().spec.model_copy(update={"model": model})
    return submit(store, spec=spec, work=f"{model}:3")


def told(store: JobStore, job_id: str, slots: int = 1) -> tuple[int | None, float | None]:
    """Return the place, and the seconds until the job is done."""
    found = JobQueries(store).waiting(store.get(job_id, ANONYMOUS), Capacity(slots))
    assert found is not None
    return found.position, found.eta_seconds


def seconds_of(batches: BatchStore, batch_id: str) -> float | None:
    return batches.waiting(batches.get(batch_id, ANONYMOUS), Capacity(1)).eta_seconds


def pause(store: JobStore, seconds: float | None = None, **scope: str) -> None:
    ends_at = None if seconds is None else server_time(store.client) + int(seconds * 1000)
    made = Pause(f"pause_{seconds}", "", "", 1, ends_at=ends_at, **scope)  # type: ignore[arg-type]
    store.client.hset("atelier:pauses", made.id, made.to_json())


def test_what_is_paused_is_not_ahead_of_a_job(measured: JobStore) -> None:
    for _ in range(5):
        submit_to(measured, "a")
    job_id = submit_to(measured, "b")
    assert told(measured, job_id) == (6, 6 * COST)
    pause(measured, model="a")
    assert told(measured, job_id) == (1, COST)


def test_a_paused_job_has_no_position_and_no_time_without_an_end(measured: JobStore) -> None:
    job_id = submit_to(measured, "a")
    pause(measured, HOUR)
    pause(measured, model="a")
    assert told(measured, job_id) == (None, None)


def test_a_job_is_done_after_its_pause_and_those_that_wait_for_it_too(measured: JobStore) -> None:
    ids = [submit_to(measured, model) for model in "aaab"]
    pause(measured, HOUR, model="a")
    for number, job_id in enumerate(ids[:3], start=1):
        assert told(measured, job_id) == (None, pytest.approx(HOUR + number * COST, abs=1))
    assert told(measured, ids[3]) == (1, COST)
    assert told(measured, ids[2], slots=2) == (None, pytest.approx(HOUR + 2 * COST, abs=1))


def test_the_longest_pause_counts(measured: JobStore) -> None:
    job_id = submit_to(measured, "a")
    pause(measured, HOUR)
    pause(measured, 3 * HOUR, model="a")
    assert told(measured, job_id) == (None, pytest.approx(3 * HOUR + COST, abs=1))


def test_a_batch_is_told_the_time_after_its_own_pause(measured: JobStore, batches: BatchStore) -> None:
    batch, _ = batches.open(draft())
    batches.append(batch.id, ANONYMOUS, items(10, model="a"), first=0)

    def eta() -> float | None:
        return seconds_of(batches, batch.id)

    assert eta() == 10 * COST
    batches.pause(batch.id, ANONYMOUS)
    assert eta() is None
    batches.pause(batch.id, ANONYMOUS, ends_at=server_time(measured.client) + int(HOUR * 1000))
    assert eta() == pytest.approx(HOUR + 10 * COST, abs=1)


def test_a_batch_with_items_that_are_paused_without_an_end_has_no_time(
    measured: JobStore, batches: BatchStore
) -> None:
    batch, _ = batches.open(draft())
    mixed = [item for n, model in enumerate("aabb") for item in items(1, n, model=model)]
    batches.append(batch.id, ANONYMOUS, mixed, first=0)
    pause(measured, model="a")
    assert seconds_of(batches, batch.id) is None
    measured.client.delete("atelier:pauses")
    pause(measured, HOUR, model="a")
    assert seconds_of(batches, batch.id) == pytest.approx(HOUR + 2 * COST, abs=1)
