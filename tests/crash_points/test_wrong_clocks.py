"""Clocks of API and workers that are an hour wrong, each in its own way, change nothing for a client."""

import time
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import httpx
import pytest

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.job import Job
from shared.identifiers import ANONYMOUS
from shared.setting_groups import JobRules
from tests.crash_points import stories
from tests.crash_points.audit import Ending, ending_of, job_ids
from tests.crash_points.installation import RULES, SLOTS, Installation
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

HOUR = 3600.0  # seconds
CLOCKS = {"api": HOUR, "worker-1": -HOUR, "worker-2": HOUR, "io": -HOUR}
SOON = 10.0  # seconds; far above what the machine needs, far below an hour


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    with Installation(tmp_path_factory.mktemp("wrong-clocks"), clocks=CLOCKS) as running:
        yield running


def age_of(moment: datetime | None) -> float:
    assert moment is not None
    return abs((datetime.now(UTC) - moment).total_seconds())


def done(client: Client, job: Job | str) -> Job:
    return client.jobs.wait(job, timeout_seconds=SOON)


def test_the_clocks_are_wrong_indeed(installation: Installation) -> None:
    told = parsedate_to_datetime(httpx.get(f"{installation.url}/healthz").headers["Date"])
    assert age_of(told) == pytest.approx(HOUR, abs=SOON)
    for name in ("worker-1", "worker-2"):
        first = next(
            line for line in (installation.folder / f"{name}.log").read_text().splitlines() if ": " in line
        )
        hour, minute = (int(part) for part in first.split(":")[:2])
        expected = datetime.now() + timedelta(seconds=CLOCKS[name])
        assert abs((hour - expected.hour) % 24 * 60 + minute - expected.minute) <= 1


def test_a_job_tells_the_right_times(client: Client) -> None:
    job = done(client, client.jobs.create(stories.DRAWING))
    assert job.succeeded
    assert max(age_of(job.created_at), age_of(job.started_at), age_of(job.completed_at)) < SOON
    assert job.completed_at is not None
    assert job.expires_at == job.completed_at + timedelta(seconds=JobRules().retention_seconds)


def test_a_key_that_comes_again_gives_the_same_job(installation: Installation, client: Client) -> None:
    known, key = job_ids(installation), uuid.uuid4().hex
    jobs = {client.jobs.create(stories.DRAWING, idempotency_key=key).id for _ in range(3)}
    assert job_ids(installation) - known == jobs
    assert len(jobs) == 1


def test_a_dead_workers_job_is_taken_over_after_its_lease(installation: Installation, client: Client) -> None:
    installation.strikes.arm("worker.after-claim")
    job = client.jobs.create(stories.DRAWING)
    installation.await_strike("worker.after-claim")
    began = time.monotonic()
    done(client, job)
    assert time.monotonic() - began > RULES["lease"] / 2
    assert ending_of(installation, job.id) == Ending("qrqrs", crashes=1)


def test_a_live_workers_job_is_left_to_it(installation: Installation, client: Client) -> None:
    installation.hold()
    job = client.jobs.create(stories.DRAWING)
    eventually(lambda: client.jobs.get(job).status == "running")
    time.sleep(2 * RULES["lease"])  # what is waited for is that nothing happens
    installation.resume()
    done(client, job)
    assert ending_of(installation, job.id) == Ending("qrs")


def test_a_job_that_met_trouble_is_tried_again_after_its_pause(
    installation: Installation, client: Client
) -> None:
    job_id = stories.draw_in_trouble(installation, client, "")
    done(client, job_id)
    assert ending_of(installation, job_id) == Ending("qrqrs", failures=1)


def test_a_job_is_forgotten_when_its_time_is_over_and_no_sooner(
    installation: Installation, client: Client
) -> None:
    job = done(client, client.jobs.create({**stories.DRAWING, "ttl_seconds": 2}))
    assert job.expires_at is not None
    while age_of(job.expires_at) > 1:
        assert client.jobs.get(job).succeeded
    eventually(lambda: job.id not in job_ids(installation), seconds=30)
    assert datetime.now(UTC) >= job.expires_at
    with pytest.raises(ApiError, match="expired"):
        client.jobs.get(job)


def test_a_deadline_comes_when_it_was_set(installation: Installation, client: Client) -> None:
    installation.hold()
    late = client.jobs.create({**stories.DRAWING, "deadline_seconds": 1})
    early = client.jobs.create({**stories.DRAWING, "deadline_seconds": 600})
    assert done(client, late).status == "expired"
    installation.resume()
    assert done(client, early).succeeded


def test_a_waiting_job_is_told_a_sensible_time(installation: Installation, client: Client) -> None:
    done(client, client.jobs.create(stories.DRAWING))
    installation.hold()
    jobs = [client.jobs.create(stories.DRAWING) for _ in range(SLOTS + 3)]
    eventually(lambda: [client.jobs.get(job).status for job in jobs].count("running") == SLOTS)
    waiting = client.jobs.get(next(job for job in jobs if client.jobs.get(job).status == "queued"))
    assert 0 <= waiting.raw["queue"]["eta_seconds"] < SOON
    installation.resume()
    assert all(done(client, job).succeeded for job in jobs)
    assert installation.store.get(jobs[0].id, ANONYMOUS).crashes == 0
