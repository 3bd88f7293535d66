"""All records of an installation in an order that fits together though the service runs meanwhile.

What refers to a record is read before the record. As a move is one atomic script, whatever a copy names was
there when its turn came, unless it was deleted meanwhile. Lines, leases and the like are not copied: they
follow from the records, and a job is readmitted to them.
"""

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from fnmatch import fnmatchcase
from itertools import chain

from shared.job_record import unpacked
from shared.record_copy import RecordCopier, RecordCopy
from shared.redis_server import PREFIX, Client, Scripts, answering
from shared.status import Status

READMITTED = ("file", "style", "job", "delivery")  # in the order in which they refer to each other
# A restored record is readmitted to these.
FOLLOWING = (
    *("lane:*", "due:*", "leases", "deadlines", "expiring*", "file-users:*", "owner:*:jobs"),
    *("webhooks:hosts", "webhooks:due:*", "told:*", "owner:*:deliveries"),
)
# Caches, wishes, signs of life; and what signs webhooks, as a backup holds no secret of the installation.
PASSING = (
    *("workers", "workers:*", "vectors", "vector:*", "garbage", "reload"),
    *("webhooks:rung", "webhooks:secrets"),
)
JOBS = "job:*"
IN_ORDER = ("idempotency:*", JOBS, "style:*", "file:*", "gone:*", "delivery:*")
LAST = ("owner:*", "sequence", "pace")
RESTORING = "restoring"  # there while a restore is under way
_PASSED_OVER = (*FOLLOWING, *PASSING, *IN_ORDER, "events:*", RESTORING)


class Snapshot:
    """Reads an installation's records, and writes them into an empty one."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._copier = RecordCopier(client, prefix=prefix)
        self._scripts = Scripts(client, prefix=prefix)

    def now(self) -> int:
        """Return the server's time, in milliseconds since the epoch."""
        with answering():
            seconds, microseconds = self._client.time()
        return int(seconds) * 1000 + int(microseconds) // 1000

    def count(self) -> int:
        """Return about how many copies `read` will yield."""
        with answering():
            return int(self._client.dbsize())

    def read(self) -> Iterator[RecordCopy]:
        """Yield a copy of every record; a job and its events from one moment."""
        for pattern in IN_ORDER:
            groups = map(_group_of, self._copier.names(pattern))
            yield from chain.from_iterable(self._copier.read(groups))
        others = [name for name in self._copier.names("*") if not _matches(name, _PASSED_OVER)]
        in_order = sorted(others, key=lambda name: _matches(name, LAST))
        yield from chain.from_iterable(self._copier.read((name,) for name in in_order))

    def exists(self, key: str) -> bool:
        """Whether a record that was read is there still."""
        with answering():
            return bool(self._client.exists(self._scripts.key(key)))

    def kinds(self) -> dict[str, int]:
        """Return how many records of which kind there are; an empty installation has none."""
        names = [name for name in self._copier.names("*") if not _matches(name, (*PASSING, RESTORING))]
        return dict(Counter(map(kind_of, names)))

    def job_keys(self) -> set[str]:
        """Return the keys of all jobs."""
        return set(self._copier.names(JOBS))

    def is_restoring(self, mark: str) -> bool:
        """Whether a restore with this mark began and did not end."""
        with answering():
            return bool(self._client.get(self._scripts.key(RESTORING)) == mark)

    def begin(self, mark: str) -> None:
        """Mark that a restore is under way."""
        with answering():
            self._client.set(self._scripts.key(RESTORING), mark)

    def clear(self) -> None:
        """Remove every record but the mark: what a restore left that was cut off."""
        self._copier.remove(name for name in self._copier.names("*") if name != RESTORING)

    def write(self, copies: Iterable[RecordCopy], *, pause_ms: int) -> Iterator[RecordCopy]:
        """Write records, and when all are there bring jobs into line; yield each record when it is written.

        `pause_ms` is the time since they were read: what was left to live then is left now. Running jobs are
        queued again, their attempt not counted.
        """
        keys: dict[str, list[str]] = {kind: [] for kind in READMITTED}
        for copy in self._copier.write(copies):
            if kind_of(copy.key) in keys:
                keys[kind_of(copy.key)].append(copy.key)
            yield copy
        keys["rest"] = keys["file"]
        for kind, names in keys.items():
            for name in names:
                self._scripts.run("readmit", kind, name, pause_ms)

    def end(self) -> None:
        """Note that the restore is complete."""
        self._copier.remove([RESTORING])


def kind_of(key: str) -> str:
    """Return what a key is about: job, file, events ..."""
    return key.partition(":")[0]


def objects_of(copy: RecordCopy) -> list[str]:
    """Return the keys of the objects that a record names."""
    naming = _NAMING.get(kind_of(copy.key))
    return naming(copy.value) if naming else []


def _of_job(record: dict[str, str]) -> list[str]:
    """A job that is done needs its inputs no more; while their files are kept, those name them."""
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
    return (name, f"events:{name.partition(':')[2]}") if kind_of(name) == "job" else (name,)


def _matches(name: str, patterns: tuple[str, ...]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)
