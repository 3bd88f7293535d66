"""Stored bytes that no record names: removed after their record is gone, so no link ever dangles.

Orphans are those that crashes between two steps and attempts that lost their job leave behind. Once an object
is older than any step takes and no record names it, no record ever will: keys are never used again, and an
attempt that lost its job changes nothing. So it may be removed while everything goes on.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from shared.identifiers import file_id
from shared.jobs.record import Record, unpacked
from shared.jobs.status import Status
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys
from shared.redis.scripts import Scripts
from shared.storage.base import ObjectStore, StoredObject
from shared.storage.keys import INPUTS, OUTPUTS, attempt_prefix

GRACE_SECONDS = 3600.0  # far longer than any object waits for the record that will name it
_CHUNK = 500  # objects whose records are read in one round trip
_JUDGED = ("status", "attempt", "outputs", "packed")  # fields of a job's record that say what it needs
_DEPTH = 3  # slashes in a key of ours, at least; what else lies there is not ours to remove


class Garbage:
    """The list of keys and prefixes whose objects must go."""

    def __init__(self, client: Client, objects: ObjectStore, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._objects = objects
        self._scripts = Scripts(client, prefix=prefix)
        self._list = self._scripts.keys("garbage")

    def add_expired_files(self, limit: int = 100) -> int:
        """Forget files that nothing has named for long and put their bytes on the list; return how many."""
        return int(self._scripts.run("files/expire_files", limit))

    def sweep(self, limit: int = 100) -> int:
        """Remove the objects of up to `limit` entries; return how many entries are done."""
        with store_errors():
            entries = self._client.zrange(self._list, 0, limit - 1)
        for entry in entries:
            self._remove(entry)
        return len(entries)

    def _remove(self, entry: str) -> None:
        if entry.endswith("/"):
            self._objects.delete_prefix(entry)
        else:
            self._objects.delete(entry)
        with store_errors():
            self._client.zrem(self._list, entry)

    def __len__(self) -> int:
        """Return how many entries wait."""
        with store_errors():
            return int(self._client.zcard(self._list))


class Reason(StrEnum):
    """Why nobody needs an object."""

    FORGOTTEN = "forgotten"  # its job or its file has no record
    SUPERSEDED = "superseded"  # its job's record names other outputs, or none
    UNFINISHED = "unfinished"  # a crash cut its writing short


@dataclass(frozen=True, slots=True)
class Orphan:
    """An object that no record names."""

    key: str
    bytes: int
    reason: Reason


@dataclass(frozen=True, slots=True)
class Collected:
    """What was removed."""

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
    """Yield the orphans older than the grace; `on_looked` hears how many objects were looked at so far.

    Raises StoreUnavailable or StorageUnavailable on the way.
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
    """Remove every orphan; `on_removed` hears of each."""
    count = size = 0
    for orphan in plan(client, objects, grace_seconds=grace_seconds, prefix=prefix):
        objects.delete(orphan.key)
        on_removed(orphan)
        count, size = count + 1, size + orphan.bytes
    return Collected(count, size)


def _chunks(entries: Iterator[StoredObject]) -> Iterator[list[StoredObject]]:
    while chunk := list(islice(entries, _CHUNK)):
        yield chunk


def _judged_inputs(client: Client, prefix: str, keys: Sequence[str]) -> list[Reason | None]:
    """Return for each upload why it may go; None where its file's record names it."""
    keys_of = Keys(prefix)
    with store_errors():
        pipeline = client.pipeline(transaction=False)
        for key in keys:
            _, owner, digest, *_ = key.split("/")
            pipeline.hget(keys_of("file", owner, file_id(digest)), "key")
        named = pipeline.execute()
    return [None if name == key else Reason.FORGOTTEN for key, name in zip(keys, named, strict=True)]


def _judged_outputs(client: Client, prefix: str, keys: Sequence[str]) -> list[Reason | None]:
    """Return for each output or preview why it may go; None where its job's record names it, or may yet.

    What a forgotten job left to others stays until they are forgotten as well.
    """
    keys_of, ids = Keys(prefix), [key.split("/")[1] for key in keys]
    with store_errors():
        pipeline = client.pipeline(transaction=False)
        for job_id in dict.fromkeys(ids):
            pipeline.hmget(keys_of("job", job_id), *_JUDGED)
            pipeline.hexists(keys_of("sharers"), job_id)
        answers = iter(pipeline.execute())
    records = {job_id: (_known(next(answers)), bool(next(answers))) for job_id in dict.fromkeys(ids)}
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
