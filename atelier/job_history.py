"""What a job went through, from its JSON: when it was accepted, each attempt, and how it ended."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from atelier.client.job import Attempt, Job
from atelier.moments import say_seconds

_ENDS = {
    "succeeded": "succeeded",
    "failed": "failed for good",
    "transient": "met an error that may pass",
    "released": "given back, its worker stopped; not counted",
    "lost": "lost, its worker died or froze",
    "canceled": "stopped, the job was canceled",
    "expired": "stopped, the deadline passed",
    "requeued": "taken from its worker by a person; not counted",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One line of a job's history."""

    at: datetime
    text: str


def history_of(job: Job) -> list[Happening]:
    """Return what happened to a job, in order. Long histories name the latest attempts alone."""
    happened = [Happening(job.created_at, "accepted")] if job.created_at else []
    waiting_since = job.created_at
    for attempt in job.attempts:
        happened += _attempt(attempt, waiting_since)
        waiting_since = attempt.ended_at
    if job.completed_at:
        happened.append(Happening(job.completed_at, job.status))
    return happened


def _attempt(attempt: Attempt, waiting_since: datetime | None) -> Iterator[Happening]:
    name, began, ended = f"attempt {attempt.number}", attempt.started_at, attempt.ended_at
    if began is not None:
        waited = f", after {_between(waiting_since, began)} of waiting" if waiting_since else ""
        yield Happening(began, f"{name} began on {attempt.worker}{waited}")
    if ended is not None:
        took = f" after {_between(began, ended)}" if began else ""
        code = f" ({attempt.code})" if attempt.code else ""
        yield Happening(
            ended, f"{name} ended{took}: {_ENDS.get(attempt.outcome or '', attempt.outcome)}{code}"
        )


def _between(begin: datetime, end: datetime) -> str:
    return say_seconds(max(0.0, (end - begin).total_seconds()))
