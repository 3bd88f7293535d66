"""Removes stored bytes that no record names. The record goes first, so a link never points to nothing.

Orphans are objects that remain after a crash between two steps, or after an attempt that lost its job. If an
object is older than the longest step and no record names it, no record ever will: keys are never reused, and
an attempt that lost its job changes nothing. So the object can be removed while the service runs.
"""

import json
import logging
from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from shared.errors import StorageUnavailable
from shared.identifiers import file_id
from shared.jobs.record import Record, unpacked
from shared.jobs.status import Status
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys
from shared.redis.scripts import Scripts
from shared.storage.base import INPUTS, OUTPUTS, ObjectStore, StoredObject, attempt_prefix

log = logging.getLogger("atelier.storage")

GRACE_SECONDS = 3600.0  # far longer than an object ever waits for its record
_CHUNK = 500  # objects whose records are read in one round trip
_JUDGED = ("status", "attempt", "outputs", "packed")  # record fields that show which objects a job needs
_DEPTH = 3  # least number of slashes in Atelier's keys; other objects must not be removed


class Garbage:
    """The list of keys and prefixes whose objects must be removed."""

    def __init__(self, client: Client, objects: ObjectStore, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._objects = objects
        self._scripts = Scripts(client, prefix=prefix)
        self._list = self._scripts.keys("garbage")

    def add_expired_files(self, limit: int = 100) -> int:
        """Delete records of files that were unused for long, and list their bytes; return how many."""
        return int(self._scripts.run("files/expire_files", limit))

    def sweep(self, limit: int = 100) -> int:
        """Remove the objects of up to `limit` entries; return the number of entries removed.

        An entry that cannot be removed goes behind the others. Raises StoreUnavailable, or StorageUnavailable
        where the storage does not answer.
        """
        with store_errors():
            entries = self._client.zrange(self._list, 0, limit - 1)
        stuck = self._remove(entries)
        removed = [entry for entry in entries if entry not in stuck]
        with store_errors():  # after their objects: a crash between the two loses nothing
            if removed:
                self._client.zrem(self._list, *removed)
            if stuck:
                self._move_behind(stuck)
        return len(removed)

    def _remove(self, entries: Sequence[str]) -> set[str]:
        """Remove what the entries name; return those of which that is not possible."""
        keys = [entry for entry in entries if not entry.endswith("/")]
        stuck = {entry for entry in entries if entry.endswith("/") and not self._is_removed(entry)}
        try:
            self._objects.delete_many(keys)
        except StorageUnavailable:
            stuck |= {key for key in keys if not self._is_removed(key)}
        return stuck

    def _is_removed(self, entry: str) -> bool:
        remove = self._objects.delete_prefix if entry.endswith("/") else self._objects.delete
        try:
            remove(entry)
        except StorageUnavailable as error:
            self._objects.check()
            log.warning("garbage stays", extra={"entry": entry, "detail": error.whole})
            return False
        return True

    def _move_behind(self, entries: Collection[str]) -> None:
        # By the list's own times, which are the server's.
        ((_, last),) = self._client.zrange(self._list, -1, -1, withscores=True)
        self._client.zadd(self._list, dict.fromkeys(entries, last + 1), xx=True)

    def __len__(self) -> int:
        """Return the number of entries in the list."""
        with store_errors():
            return int(self._client.zcard(self._list))


class Reason(StrEnum):
    """The reason why an object is no longer needed."""

    FORGOTTEN = "forgotten"  # its job or its file has no record
    SUPERSEDED = "superseded"  # its job's record names other outputs, or none
    UNFINISHED = "unfinished"  # a crash interrupted its upload


@dataclass(frozen=True, slots=True)
class Orphan:
    """An object that no record names."""

    key: str
    bytes: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Collected:
    """The number of removed objects and their total size."""

    objects: int
    bytes: int


def plan(
    client: Client,
    objects: ObjectStore,
    *,
    grace_seconds: float = GRACE_SECONDS,
    prefix: str = PREFIX,
    on_looked: Callable[[int], None] = lambda count: None,
) -> Iterator[Orphan]:
    """Yield the orphans older than the grace; call `on_looked` with the number of objects checked so far.

    Iteration may raise StoreUnavailable or StorageUnavailable.
    """
    before = objects.now() - grace_seconds
    for entry in objects.unfinished():
        if entry.modified < before:
            yield Orphan(entry.key, entry.bytes, Reason.UNFINISHED)
    looked = 0
    for folder, judge in _JUDGES:
        for chunk in _chunks(objects.entries(folder)):
            old = [entry for entry in chunk if entry.modified < before and entry.key.count("/") >= _DEPTH]
            reasons = judge(client, prefix, [entry.key for entry in old])
            for entry, reason in zip(old, reasons, strict=True):
                if reason is not None:
                    yield Orphan(entry.key, entry.bytes, reason)
            looked += len(chunk)
            on_looked(looked)


def collect(
    client: Client,
    objects: ObjectStore,
    *,
    grace_seconds: float = GRACE_SECONDS,
    prefix: str = PREFIX,
    on_removed: Callable[[Orphan], None] = lambda orphan: None,
) -> Collected:
    """Remove every orphan; call `on_removed` for each."""
    count = size = 0
    orphans = plan(client, objects, grace_seconds=grace_seconds, prefix=prefix)
    while chunk := list(islice(orphans, _CHUNK)):
        objects.delete_many(orphan.key for orphan in chunk)
        for orphan in chunk:
            on_removed(orphan)
        count, size = count + len(chunk), size + sum(orphan.bytes for orphan in chunk)
    return Collected(count, size)


def _chunks(entries: Iterator[StoredObject]) -> Iterator[list[StoredObject]]:
    while chunk := list(islice(entries, _CHUNK)):
        yield chunk


def _judged_inputs(client: Client, prefix: str, keys: Sequence[str]) -> list[Reason | None]:
    """Return for each upload why it may be removed; None if its file's record names it."""
    keys_of = Keys(prefix)
    with store_errors():
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            _, owner, digest, *_ = key.split("/")
            pipeline.hget(keys_of("file", owner, file_id(digest)), "key")
        named = pipeline.execute()
    return [None if name == key else Reason.FORGOTTEN for key, name in zip(keys, named, strict=True)]


def _judged_outputs(client: Client, prefix: str, keys: Sequence[str]) -> list[Reason | None]:
    """Return for each output or preview why it may be removed; None if a record names it or may do so.

    If other jobs reuse the outputs of a deleted job, these stay until those jobs are deleted as well.
    """
    keys_of, ids = Keys(prefix), [key.split("/")[1] for key in keys]
    with store_errors():
        pipeline = client.pipeline(transaction=False)
        for job_id in dict.fromkeys(ids):
            pipeline.hmget(keys_of("job", job_id), *_JUDGED)
            pipeline.hexists(keys_of("sharers"), job_id)
        replies = iter(pipeline.execute())
    records = {job_id: (_known(next(replies)), bool(next(replies))) for job_id in dict.fromkeys(ids)}
    return [_judged_output(key, job_id, *records[job_id]) for key, job_id in zip(keys, ids, strict=True)]


def _known(values: Sequence[str | None]) -> Record:
    return unpacked({name: value for name, value in zip(_JUDGED, values, strict=True) if value is not None})


def _judged_output(key: str, job_id: str, record: Record, is_shared: bool) -> Reason | None:
    if "status" not in record:
        return None if is_shared else Reason.FORGOTTEN
    is_running = record["status"] == Status.RUNNING
    if is_running and key.startswith(attempt_prefix(job_id, int(record["attempt"]))):
        return None
    is_named = any(output["key"] == key for output in json.loads(record.get("outputs") or "[]"))
    return None if is_named else Reason.SUPERSEDED


_JUDGES = ((INPUTS, _judged_inputs), (OUTPUTS, _judged_outputs))
