"""Reads jobs: lists, events, and the expectation for a waiting job. Changes nothing."""

import json
import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from shared.jobs.durations import MeanDurations
from shared.jobs.job import Job
from shared.jobs.listing import ALL, JobFilter, JobList
from shared.jobs.queue_place import Expected, Waiting, expected, expected_of_new, seconds_of_batch
from shared.jobs.reading import PageReader
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis.client import MAX_BLOCK_MILLISECONDS, Client, Page, record_of, store_errors
from shared.redis.scripts import Call, value_of
from shared.specs.parts import Lane
from shared.specs.spec import parted
from shared.workers import Capacity

MOST_RUNNING = 256  # running jobs that an estimate looks at


@dataclass(frozen=True, slots=True)
class Event:
    """One entry of a job's event stream."""

    id: str  # grows within a job; resume after it
    kind: str  # "state", "progress" or "moved"
    data: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Alarm:
    """Another stream, an entry in which ends a wait for events."""

    key: str
    after: str  # id of the last entry that is known
    ring: Callable[[], None]  # called if there is a later one


class JobQueries:
    """Read side of the job store."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._client = store.client
        self._scripts = store.scripts
        self._key = store.scripts.keys
        self._patience_ms = store.rules.bulk_patience_seconds * 1000
        self._most_of_owner = store.quotas.running
        self._list = JobList(store)

    def page(
        self,
        owner: str,
        only: JobFilter = ALL,
        *,
        limit: int = 20,
        cursor: str | None = None,
        items: bool = False,
        fields: Collection[str] | None = None,
    ) -> Page[Job]:
        """Return the owner's jobs, newest first, that a filter admits; with `items`, those of batches too.

        With `fields`, only what these fields of a job's view need is read.
        """
        return self._list.page(owner, only, limit=limit, cursor=cursor, items=items, fields=fields)

    def upcoming(
        self,
        owner: str,
        only: JobFilter = ALL,
        *,
        limit: int = 20,
        cursor: str | None = None,
        fields: Collection[str] | None = None,
    ) -> Page[Job]:
        """Return the owner's jobs that wait and may start, next first; items of batches are not among them.

        `only` and `fields` are as those of `page`.
        """
        return self._list.upcoming(owner, only, limit=limit, cursor=cursor, fields=fields)

    def many(
        self, ids: Sequence[str], owner: str, *, fields: Collection[str] | None = None
    ) -> list[Job | None]:
        """Return an owner's jobs by their ids, in the same order; None for an id without one.

        Where the records are large, the jobs of the first ids alone: of one at least. `fields` is as that of
        `page`.
        """
        found = PageReader(self._scripts, fields).read(ids)
        return [job if job and job.owner == owner else None for job in found]

    def outputs_of(self, ids: Sequence[str], owner: str) -> list[Job | None]:
        """Return the jobs that make the outputs of an owner's jobs, in order; None where there is no job.

        That is the job itself, or where it failed, was canceled or expired, its latest retry.
        """
        latest = self._scripts.run("chains/latest", owner, *ids) if ids else []
        known = [name for name in latest if name]
        jobs: dict[str, Job | None] = {}
        while len(jobs) < len(set(known)):
            asked = [name for name in dict.fromkeys(known) if name not in jobs]
            jobs |= zip(asked, self.many(asked, owner), strict=False)  # of large ones the first alone
        return [jobs.get(name) for name in latest]

    def unlisted_items(self, owner: str, status: Status | None) -> int:
        """Return how many items of batches have a status, which a page without items leaves out."""
        return self._list.unlisted(owner, status)

    def placed(self, job_id: str, owner: str, *, own_only: bool = False) -> tuple[Job, str]:
        """Return the owner's job, and what is before it in the queue, for `waiting`.

        Both are read in one round trip. Raises JobNotFound or JobGone. `own_only` is as that of `waiting`.
        """
        calls = (self._store.reading(job_id), self.place_of(job_id, own_only=own_only))
        found, place = map(value_of, self._scripts.run_together(*calls))
        return self._store.job_of(found, job_id, owner), str(place)

    def waiting(
        self, job: Job, capacity: Capacity, *, own_only: bool = False, place: str | None = None
    ) -> Waiting | None:
        """Return the queue position of a job; None if it is no longer queued.

        `capacity` is what workers have for its lane. With `own_only`, only the owner's own jobs count, and
        only their durations, as if nobody else had any. `place` is what `placed` found.
        """
        found = self._place(job.id, own_only) if place is None else place
        return expected(json.loads(found), capacity, self._patience_ms) if found else None

    def waiting_batch(self, batch_id: str, capacity: Capacity, *, own_only: bool = False) -> Waiting:
        """Return the seconds until the current items of a batch are done, and what holds the next of them.

        `capacity` and `own_only` are as those of `waiting`.
        """
        found = json.loads(self._place(batch_id, own_only) or "{}")
        if not found:
            return Waiting(None, None)
        seconds = seconds_of_batch(found, batch_id, capacity, self._patience_ms) if capacity.slots else None
        return Waiting(None, seconds, found.get("hold"))

    def _place(self, of: str, own_only: bool) -> Any:
        return self._scripts.run(*self.place_of(of, own_only=own_only))

    def place_of(self, of: str, *, own_only: bool = False) -> Call:
        """Return the call that tells what is before a job or a batch in the queue, for `waiting`."""
        return "jobs/place", of, MOST_RUNNING, self._most_of_owner, "1" if own_only else "", *Lane

    def expected_of_new(
        self, owner: str, lane: Lane, works: Mapping[str, int], capacity: Capacity, *, own_only: bool = False
    ) -> Expected:
        """Return the expectation for jobs that an owner would submit now, given by their kinds of work.

        `capacity` and `own_only` are as those of `waiting`.
        """
        last = next(iter(works), ":")
        new = {"owner": owner, "lane": lane, "model": parted(last)[0], "work": last}
        found = json.loads(self._place(json.dumps(new), own_only))
        return expected_of_new(found, works, capacity, self._patience_ms)

    def learned_seconds(self, works: Mapping[str, int], slots: int) -> float:
        """Return how long jobs keep one of the workers' slots busy, as far as such work was measured."""
        durations = MeanDurations(self.durations(), slots, ())
        costs = ((count, durations.cost(work)) for work, count in works.items())
        return sum(count * cost for count, cost in costs if not math.isnan(cost)) / 1000

    def durations(self) -> dict[str, str]:
        """Return the mean durations of all owners' jobs by kind of work, as `MeanDurations` takes them."""
        with store_errors():
            found: dict[str, str] = self._client.hgetall(self._key("durations"))
        return found

    def depths(self) -> dict[Lane, int]:
        """Return the number of claimable jobs in each lane, items of batches included."""
        return dict(zip(Lane, self._scripts.run("jobs/depths", *Lane), strict=True))

    def keyed(self, owner: str, idempotency_key: str) -> tuple[str, str] | None:
        """Return the job id and the request fingerprint of an idempotency key; None if the key is new."""
        with store_errors():
            known = self._client.hgetall(self._key("idempotency", owner, idempotency_key))
        return (known["id"], known["fingerprint"]) if known else None

    def fingerprint(self, owner: str, job_id: str) -> str | None:
        """Return the fingerprint of the request that created a job; None if the owner has no such job."""
        with store_errors():
            known = self._client.hmget(self._key("job", job_id), "owner", "fingerprint")
        return known[1] if known[0] == owner else None

    def events(
        self, job_id: str, *, after: str = "0-0", block_seconds: float = 0, alarm: Alarm | None = None
    ) -> list[Event]:
        """Return the events after an id; wait for the first or an alarm, `block_seconds` (2 at most)."""
        found = read_stream(self._client, self._key("events", job_id), after, block_seconds, alarm)
        return [Event(i, fields["event"], json.loads(fields["data"])) for i, fields in found]

    def end_of(self, job: Job, block_seconds: float, alarm: Alarm | None = None) -> Job | None:
        """Return a job by itself once it is done, in one round trip; None if it is not; raise JobGone.

        Waits for its end or an alarm, `block_seconds` (2 at most); what else happens to it wakes nobody.
        """
        read = _read_call(self._key("done", job.id), "0-0", block_seconds, alarm)
        found, record = map(value_of, self._scripts.run_together(read, ("jobs/read_done", job.id)))
        _heard(found, alarm)
        return self._store.job_of(record_of(record), job.id, job.owner) if record is not None else None

    def last_event_id(self, job_id: str) -> str:
        """Return the id of the latest event, to wait for newer ones; "0-0" if there was no event."""
        with store_errors():
            last = self._client.xrevrange(self._key("events", job_id), count=1)
        return str(last[0][0]) if last else "0-0"


def read_stream(
    client: Client, key: str, after: str, block_seconds: float, alarm: Alarm | None
) -> Sequence[tuple[str, Mapping[str, str]]]:
    """Return a stream's entries after an id, which wait as those of `JobQueries.events` do."""
    with store_errors():
        found = client.execute_command(*_read_call(key, after, block_seconds, alarm))
    return _heard(found, alarm).get(key, [])


def _read_call(key: str, after: str, block_seconds: float, alarm: Alarm | None) -> Call:
    """Return the command that reads a stream, and waits for an entry in it or an alarm."""
    block = min(int(block_seconds * 1000), MAX_BLOCK_MILLISECONDS)
    streams = {key: after, **({alarm.key: alarm.after} if alarm else {})}
    waits = ("BLOCK", block) if block else ()
    return "XREAD", "COUNT", 500, *waits, "STREAMS", *streams, *streams.values()


def _heard(response: Any, alarm: Alarm | None) -> dict[str, list[Any]]:
    """Return the entries by stream; ring where there are some of the alarm's."""
    found = _by_stream(response)
    if alarm and alarm.key in found:
        alarm.ring()
    return found


def _by_stream(response: Any) -> dict[str, list[Any]]:
    """Return the entries of each stream that has any, from the RESP2 or the RESP3 form."""
    if isinstance(response, dict):
        return {key: [entry for batch in batches for entry in batch] for key, batches in response.items()}
    return {key: list(entries) for key, entries in response or ()}
