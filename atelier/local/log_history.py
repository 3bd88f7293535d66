"""What the service knows of a job or a batch, as lines that stand among those of logs."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from atelier.client.client import Client
from atelier.client.job import Attempt, Job, moment
from atelier.local.log_lines import LogLine

RECORD = "record"  # in place of a process's name


@dataclass(frozen=True, slots=True)
class History:
    """Lines, and further ids under which logs tell of the same."""

    ids: tuple[str, ...]
    lines: tuple[LogLine, ...]


NO_HISTORY = History((), ())


def history_of(client: Client, subject: str) -> History:
    """Return what a service knows of a job or a batch; raise ClientError."""
    if subject.startswith("batch_"):
        return _known(client.batches.get(subject).batch.raw, ())
    job = client.jobs.get(subject)
    return _known(job.raw, [line for attempt in job.attempts for line in _of_attempt(attempt)], job)


def _known(raw: Any, between: Sequence[LogLine | None], job: Job | None = None) -> History:
    request_id = raw.get("request_id")
    came_by = f" by the request {request_id}" if request_id else ""
    lines = [_line(moment(raw.get("created_at")), f"accepted{came_by}"), *between]
    code = f" ({job.error.code})" if job and job.error else ""
    lines += [
        _line(moment(raw.get("finalized_at")), "all items were sent"),
        _line(moment(raw.get("completed_at")), f"{raw['status']}{code}"),
    ]
    return History((request_id,) if request_id else (), tuple(line for line in lines if line is not None))


def _of_attempt(attempt: Attempt) -> Iterator[LogLine | None]:
    yield _line(attempt.started_at, f"attempt {attempt.number} began on {attempt.worker}")
    code = f" ({attempt.code})" if attempt.code else ""
    yield _line(attempt.ended_at, f"attempt {attempt.number} ended: {attempt.outcome}{code}")


def _line(at: datetime | None, text: str) -> LogLine | None:
    return None if at is None else LogLine(at.timestamp(), RECORD, {"ts": at.timestamp(), "msg": text})
