"""Why a job or a batch waits, in the words of the commands."""

from typing import Any

import pytest

from atelier.client.batch import batch_from_json
from atelier.client.job import job_from_json
from atelier.display.batch_tables import say_left
from atelier.display.progress_bar import _REASONS, say_state
from shared.jobs.reasons import Reason

UNTIL = "2026-12-01T01:00:00.000Z"
COUNTS = {"total": 2, "queued": 2, "running": 0, "succeeded": 0, "failed": 0, "canceled": 0, "expired": 0}


def job(**queue: Any) -> str:
    body = {"id": "job_1", "type": "generate", "status": "queued", "queue": queue}
    return say_state(job_from_json(body))


def batch(status: str, reason: str) -> str:
    body = {"id": "batch_1", "status": status, "done": False, "counts": COUNTS, "queue": {"reason": reason}}
    return say_left(batch_from_json({**body, "progress": {"eta_seconds": 3}}))


def test_a_job_whose_turn_comes_says_its_place() -> None:
    assert job(reason="workers_busy", position=3, eta_seconds=4.2) == "queued, number 3, about 4 s"


def test_a_job_that_is_held_says_why_and_until_when() -> None:
    assert job(reason="no_worker", position=3) == "queued: no worker lives"
    assert job(reason="backoff", until=UNTIL).startswith("queued: pausing after an error until 2026-1")
    assert job(reason="paused", detail="too many failed") == "queued: paused (too many failed)"


def test_a_reason_that_is_not_known_is_shown_as_it_is() -> None:
    assert job(reason="moon_is_full") == "queued: moon_is_full"


def test_a_service_that_tells_no_reason_is_read() -> None:
    assert job(position=1, eta_seconds=None) == "queued, number 1"


@pytest.mark.parametrize("reason", sorted(set(Reason) - {Reason.WORKERS_BUSY}))
def test_every_reason_has_words(reason: Reason) -> None:
    assert reason in _REASONS


def test_a_batch_says_what_it_waits_for_in_the_place_of_its_time() -> None:
    assert batch("running", "workers_busy") == "3.0 s"
    assert batch("running", "no_worker") == "no worker"
    assert batch("paused", "paused") == "3.0 s"  # its status says it
