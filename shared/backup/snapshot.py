"""Reads all records of a running installation in an order that keeps the copy consistent.

A record is read after the records that refer to it. Each transition is one atomic script, so every record
that a copy names still exists when it is read, unless it was deleted in between. Queue entries, leases and
similar keys are not copied: the restore rebuilds them from the records.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import chain

from shared.backup.record_copy import Items, RecordCopier, RecordCopy, group_of_batch, step_of_batch
from shared.identifiers import batch_of
from shared.jobs.record import unpacked
from shared.jobs.status import Status
from shared.redis.client import Client, server_time, store_errors
from shared.redis.keys import PREFIX, Keys, kind_of, pattern, patterns
from shared.redis.scripts import Scripts

READMITTED = ("file", "style", "batch", "job", "delivery")  # referenced records come first
JOBS = pattern("job")
BATCHES = pattern("batch")
BEFORE_JOBS = patterns("first")
AFTER_JOBS = tuple(map(pattern, ("style", "file", "gone", "delivery")))
LAST = patterns("last")
RESTORING = "restoring"  # exists during a restore
_BARE = Keys(prefix="")  # the key names in copies
_STAYING = patterns("stays")
_PASSING = (*patterns("passing"), *_STAYING)
_READ_IN_ORDER = (*BEFORE_JOBS, BATCHES, JOBS, *AFTER_JOBS, *patterns("of_batch"))
_PASSED_OVER = (*patterns("follows"), *_PASSING, *_READ_IN_ORDER)


class Snapshot:
    """Reads an installation's records, and writes them into an empty one."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._copier = RecordCopier(client, prefix=prefix)
        self._scripts = Scripts(client, prefix=prefix)

    def now(self) -> int:
        """Return the server's time, in milliseconds since the epoch."""
        return server_time(self._client)

    def count(self) -> int:
        """Return approximately how many copies `read` will yield."""
        with store_errors():
            return int(self._client.dbsize())

    def read(self) -> Iterator[RecordCopy]:
        """Yield a copy of every record: a job together with its events, a batch before its items."""
        yield from self._read(*BEFORE_JOBS)
        items = Items()
        for name in self._copier.names(BATCHES):
            yield from items.noted(chain.from_iterable(self._copier.read([group_of_batch(name)])))
        groups = map(_group_of, filter(items.belongs, self._copier.names(JOBS)))
        yield from chain.from_iterable(self._copier.read(groups))
        yield from self._read(*AFTER_JOBS)
        others = [name for name in self._copier.names("*") if not _matches(name, _PASSED_OVER)]
        in_order = sorted(others, key=lambda name: _matches(name, LAST))
        yield from chain.from_iterable(self._copier.read((name,) for name in in_order))

    def _read(self, *patterns: str) -> Iterator[RecordCopy]:
        for names in map(self._copier.names, patterns):
            yield from chain.from_iterable(self._copier.read((name,) for name in names))

    def exists(self, key: str) -> bool:
        """Whether a record that was read still exists."""
        with store_errors():
            return bool(self._client.exists(self._scripts.keys.prefix + key))

    def kinds(self) -> dict[str, int]:
        """Return the number of records of each kind; it is empty for an empty installation."""
        names = [name for name in self._copier.names("*") if not _matches(name, _PASSING)]
        return dict(Counter(map(kind_of, names)))

    def job_keys(self) -> set[str]:
        """Return the keys of all jobs."""
        return set(self._copier.names(JOBS))

    def is_restoring(self, mark: str) -> bool:
        """Whether a restore with this mark was started and not completed."""
        with store_errors():
            return bool(self._client.get(self._scripts.keys("restoring")) == mark)

    def begin(self, mark: str) -> None:
        """Mark the start of a restore."""
        with store_errors():
            self._client.set(self._scripts.keys("restoring"), mark)

    def clear(self) -> None:
        """Remove every record except the mark and API keys: the remains of an interrupted restore."""
        kept = (RESTORING, *_STAYING)
        self._copier.remove(name for name in self._copier.names("*") if not _matches(name, kept))

    def write(self, copies: Iterable[RecordCopy], *, pause_ms: int) -> Iterator[RecordCopy]:
        """Write records, then enqueue the jobs; yield each record after it is written.

        `pause_ms` is the time since the records were read; it is added to their expiry times. Running jobs
        are queued again, and their attempt is not counted.
        """
        keys: dict[str, list[str]] = {kind: [] for kind in READMITTED}
        for copy in self._copier.write(copies):
            if kind_of(copy.key) in keys:
                keys[kind_of(copy.key)].append(copy.key)
            yield copy
        keys["closed"], keys["rest"] = keys["batch"], keys["file"]
        for kind, names in keys.items():
            for name in names:
                self._readmit(kind, name, pause_ms)

    def _readmit(self, kind: str, name: str, pause_ms: int) -> None:
        _, _, identifier = name.partition(":")
        step = step_of_batch(kind, identifier)
        if step is None:
            self._scripts.run("backup/readmit", kind, name, pause_ms)
        else:
            self._scripts.run("backup/readmit_batch", step, identifier, pause_ms)

    def end(self) -> None:
        """Mark the restore as complete."""
        self._copier.remove([RESTORING])


def objects_of(copy: RecordCopy) -> list[str]:
    """Return the keys of the objects that a record names."""
    naming = _NAMING.get(kind_of(copy.key))
    return naming(copy.value) if naming else []


def _of_job(record: dict[str, str]) -> list[str]:
    """Return the objects of a job. A finished job does not need its inputs; their files name them."""
    known = unpacked(record)
    outputs = [output["key"] for output in json.loads(known.get("outputs") or "[]")]
    if Status(known["status"]).is_terminal:
        return outputs
    return [*json.loads(known["inputs"]).values(), *outputs]


_NAMING: dict[str, Callable[[dict[str, str]], list[str]]] = {
    "job": _of_job,
    "file": lambda record: [record["key"]],
}


def _group_of(name: str) -> tuple[str, ...]:
    job_id = name.partition(":")[2]
    return (name,) if batch_of(job_id) else (name, _BARE("events", job_id))


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
