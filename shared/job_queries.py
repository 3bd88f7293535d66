"""Reading jobs: lists, events, and what a waiting job may expect. Changes nothing."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.job_record import job_from_record
from shared.job_store import JobStore
from shared.jobs import Job
from shared.redis_server import MAX_BLOCK_MILLISECONDS, answering
from shared.status import Lane, Status

SCAN_CHUNK = 200
MAX_SCANNED = 5000  # records one page may look at while it filters


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a job's event stream."""

    id: str  # grows within a job; resume after it
    kind: str  # "state" or "progress"
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class JobFilter:
    """Which jobs a list shows; None lets all through."""

    status: Status | None = None
    kind: str | None = None  # generate, stylize or transform
    model: str | None = None
    code: str | None = None  # of the error
    worker: str | None = None  # the latest

    def admits(self, job: Job) -> bool:
        """Whether the list shows a job."""
        code = job.error["code"] if job.error else None
        actual = (job.status, job.spec.type, job.spec.model, code, job.worker)
        wanted = (self.status, self.kind, self.model, self.code, self.worker)
        return all(want in (None, have) for want, have in zip(wanted, actual, strict=True))


ALL = JobFilter()


@dataclass(frozen=True, slots=True)
class Page:
    """Some jobs, newest first."""

    jobs: tuple[Job, ...]
    next_cursor: str | None  # hand it back for the jobs after these


@dataclass(frozen=True, slots=True)
class Waiting:
    """What a queued job may expect, from measured times."""

    position: int  # 1 is the next to start
    eta_seconds: float | None  # None until a worker lives and a job of this model was measured


class JobQueries:
    """Read side of the job store."""

    def __init__(self, store: JobStore) -> None:
        self._client = store.client
        self._key = store.scripts.key

    def page(self, owner: str, only: JobFilter = ALL, *, limit: int = 20, cursor: str | None = None) -> Page:
        """Return the owner's jobs, newest first, that a filter admits."""
        found: list[Job] = []
        for _ in range(MAX_SCANNED // SCAN_CHUNK):
            jobs, below = self._below(owner, cursor)
            for job in jobs:
                if len(found) == limit:
                    return Page(tuple(found), str(found[-1].sequence))
                if only.admits(job):
                    found.append(job)
            if below is None:
                return Page(tuple(found), None)
            cursor = below
        return Page(tuple(found), cursor)  # perhaps fewer than asked for: the filters are narrow

    def _below(self, owner: str, cursor: str | None) -> tuple[list[Job], str | None]:
        """Return the next jobs below a cursor, and the cursor after them; None where these are the last."""
        top = "+inf" if cursor is None else f"({int(cursor)}"
        with answering():
            rows = self._client.zrevrangebyscore(
                self._key("owner", owner, "jobs"), top, "-inf", start=0, num=SCAN_CHUNK, withscores=True
            )
            pipeline = self._client.pipeline(transaction=False)
            for job_id, _ in rows:
                pipeline.hgetall(self._key("job", job_id))
            records = pipeline.execute()
        jobs = [job_from_record(raw) for raw in records if raw]
        return jobs, str(int(rows[-1][1])) if len(rows) == SCAN_CHUNK else None

    def waiting(self, job: Job, slots: int) -> Waiting | None:
        """Return the place of a queued job; `slots` is how many jobs all live workers run at once."""
        with answering():
            pipeline = self._client.pipeline(transaction=False)
            pipeline.zrank(self._key("lane", job.lane), job.id)
            pipeline.zcard(self._key("lane", Lane.INTERACTIVE))
            pipeline.zcard(self._key("leases"))
            pipeline.hget(self._key("pace"), job.spec.model or "")
            rank, interactive, running, pace = pipeline.execute()
        if rank is None:
            return None
        ahead = rank + (interactive if job.lane is Lane.BULK else 0)
        return Waiting(ahead + 1, _eta(ahead, running, slots, float(pace) if pace else None))

    def depths(self) -> dict[Lane, int]:
        """Return how many jobs wait in each lane."""
        with answering():
            return {lane: int(self._client.zcard(self._key("lane", lane))) for lane in Lane}

    def keyed(self, owner: str, idempotency_key: str) -> tuple[str, str] | None:
        """Return the job id and the request's fingerprint that a key stands for; None where it is new."""
        with answering():
            known = self._client.hgetall(self._key("idempotency", owner, idempotency_key))
        return (known["id"], known["fingerprint"]) if known else None

    def fingerprint(self, owner: str, job_id: str) -> str | None:
        """Return the fingerprint of the request that made a job; None where the owner has no such job."""
        with answering():
            known = self._client.hmget(self._key("job", job_id), "owner", "fingerprint")
        return known[1] if known[0] == owner else None

    def events(self, job_id: str, *, after: str = "0-0", block_seconds: float = 0) -> list[Event]:
        """Return the events after an id; wait up to `block_seconds` (2 at most) for the first."""
        block = min(int(block_seconds * 1000), MAX_BLOCK_MILLISECONDS) or None
        with answering():
            answer = self._client.xread({self._key("events", job_id): after}, count=500, block=block)
        entries = _entries(answer)
        return [Event(i, fields["event"], json.loads(fields["data"])) for i, fields in entries]

    def last_event_id(self, job_id: str) -> str:
        """Return the id to wait after when only news matters; "0-0" where there was no event."""
        with answering():
            last = self._client.xrevrange(self._key("events", job_id), count=1)
        return str(last[0][0]) if last else "0-0"


def _eta(ahead: int, running: int, slots: int, pace_ms: float | None) -> float | None:
    if not slots or pace_ms is None:
        return None
    rounds = (ahead + running) // slots + 1
    return round(rounds * pace_ms / 1000, 1)


def _entries(answer: Any) -> list[Any]:
    """Return the entries of the one stream read, in the server protocol's older or newer form."""
    if not answer:
        return []
    if isinstance(answer, dict):
        (batches,) = answer.values()
        return [entry for batch in batches for entry in batch]
    return list(answer[0][1])
