"""Copies server keys as lines of JSON, by type, to move them between versions of Redis and Valkey.

For a copy of an installation that keeps running, a batch is read first, with its number of items. Items that
were added or retried after this are left out, so that the copy shows the batch at one point in time.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from shared.errors import AtelierError
from shared.identifiers import batch_of
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, kind_of, patterns

SCAN_COUNT = 1000  # keys that one call of SCAN examines
AT_ONCE = 50  # keys read or written in one round trip
Step = Literal["open", "item", "close"]


class UnknownRecord(AtelierError):
    """Raised when a key is of a type that cannot be copied."""

    code = "unknown_record"
    title = "A key cannot be copied"


@dataclass(frozen=True, slots=True)
class RecordCopy:
    """One key."""

    key: str  # without the prefix of all keys
    type: str  # hash, string, set, zset, list or stream
    value: Any  # JSON: an object for a hash, text for a string, otherwise a list
    ttl_ms: int | None = None  # the rest of its time to live

    def to_line(self) -> str:
        """Return the copy as one line of JSON."""
        return json.dumps(asdict(self), separators=(",", ":"), ensure_ascii=False) + "\n"

    @classmethod
    def from_line(cls, line: str | bytes) -> "RecordCopy":
        """Read a line that `to_line` wrote."""
        return cls(**json.loads(line))


@dataclass(frozen=True, slots=True)
class _Type:
    """The functions that read and write one type of key."""

    read: Callable[[Client, str], Any]
    write: Callable[[Client, str, Any], Any]
    to_json: Callable[[Any], Any] = lambda reply: reply


def _write_stream(pipe: Client, key: str, entries: Any) -> None:
    for entry, fields in entries:
        pipe.xadd(key, fields, id=entry)


_TYPES: Mapping[str, _Type] = {
    "hash": _Type(lambda pipe, key: pipe.hgetall(key), lambda pipe, key, v: pipe.hset(key, mapping=v)),
    "string": _Type(lambda pipe, key: pipe.get(key), lambda pipe, key, v: pipe.set(key, v)),
    "set": _Type(lambda pipe, key: pipe.smembers(key), lambda pipe, key, v: pipe.sadd(key, *v), sorted),
    "zset": _Type(
        lambda pipe, key: pipe.zrange(key, 0, -1, withscores=True),
        lambda pipe, key, v: pipe.zadd(key, dict(v)),
    ),
    "list": _Type(lambda pipe, key: pipe.lrange(key, 0, -1), lambda pipe, key, v: pipe.rpush(key, *v)),
    "stream": _Type(lambda pipe, key: pipe.xrange(key), _write_stream),
}


class RecordCopier:
    """Reads and writes whole keys below one prefix."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._prefix = prefix

    def names(self, pattern: str) -> list[str]:
        """Return matching keys without the prefix; each key that exists during the whole scan occurs once."""
        with store_errors():
            found = self._client.scan_iter(match=f"{self._prefix}{pattern}", count=SCAN_COUNT)
            return sorted({name.removeprefix(self._prefix) for name in found})

    def read(self, groups: Iterable[tuple[str, ...]]) -> Iterator[list[RecordCopy]]:
        """Yield the copies of each group of keys, at one point in time; deleted keys are left out."""
        for some in _batches(groups):
            types = self._types([name for group in some for name in group])
            yield from self._read(some, types)

    def _types(self, names: list[str]) -> dict[str, str]:
        with store_errors():
            pipe = self._client.pipeline(transaction=False)
            for name in names:
                pipe.type(self._prefix + name)
            return dict(zip(names, pipe.execute(), strict=True))

    def _read(self, groups: list[tuple[str, ...]], types: Mapping[str, str]) -> Iterator[list[RecordCopy]]:
        known = [[name for name in group if types[name] != "none"] for group in groups]
        with store_errors():
            pipe = self._client.pipeline(transaction=True)
            for name in (name for group in known for name in group):
                _type(types[name], name).read(pipe, self._prefix + name)
                pipe.pttl(self._prefix + name)
            replies = iter(pipe.execute())
        for group in known:
            copies = [_copy(name, types[name], next(replies), next(replies)) for name in group]
            yield [copy for copy in copies if copy.value is not None]

    def write(self, copies: Iterable[RecordCopy]) -> Iterator[RecordCopy]:
        """Write copies of keys that do not exist, and yield each one after it is written."""
        for some in _batches(copies):
            with store_errors():
                pipe = self._client.pipeline(transaction=False)
                for copy in some:
                    _write(pipe, self._prefix + copy.key, copy)
                pipe.execute()
            yield from some

    def remove(self, names: Iterable[str]) -> None:
        """Remove keys."""
        for some in _batches(names):
            with store_errors():
                self._client.unlink(*(self._prefix + name for name in some))


def _type(kind: str, name: str) -> _Type:
    if kind not in _TYPES:
        raise UnknownRecord(f"{name} is of the type {kind}, which this version cannot copy")
    return _TYPES[kind]


def _copy(name: str, kind: str, reply: Any, ttl: int) -> RecordCopy:
    value = _type(kind, name).to_json(reply) if reply else None
    return RecordCopy(name, kind, value, ttl if ttl > 0 else None)


def _write(pipe: Client, key: str, copy: RecordCopy) -> None:
    _type(copy.type, copy.key).write(pipe, key, copy.value)
    if copy.ttl_ms is not None:
        pipe.pexpire(key, copy.ttl_ms)


def _batches(items: Iterable[Any]) -> Iterator[list[Any]]:
    some: list[Any] = []
    for item in items:
        some.append(item)
        if len(some) == AT_ONCE:
            yield some
            some = []
    if some:
        yield some


def group_of_batch(name: str) -> tuple[str, ...]:
    """Return the keys that are read together with a batch's record, at one point in time."""
    _, _, batch_id = name.partition(":")
    return (name, *(pattern.replace("*", batch_id) for pattern in patterns("of_batch")))


class Items:
    """Remembers which items belong to the batches that were read."""

    def __init__(self) -> None:
        self._totals: dict[str, int] = {}
        self._tries: dict[str, Mapping[str, str]] = {}

    def noted(self, copies: Iterable[RecordCopy]) -> Iterator[RecordCopy]:
        """Yield the copies of one batch and remember its items; yield nothing if it is being deleted."""
        known = list(copies)
        records = [copy for copy in known if kind_of(copy.key) == "batch"]
        if not records or records[0].value["status"] == "deleted":
            return
        for copy in known:
            kind, _, batch_id = copy.key.partition(":")
            if kind == "batch":
                self._totals[batch_id] = int(copy.value["total"])
            elif kind == "batch-again":
                self._tries[batch_id] = copy.value
        yield from known

    def belongs(self, key: str) -> bool:
        """Whether a job has no batch, or existed when its batch was read."""
        _, _, job_id = key.partition(":")
        batch_id = batch_of(job_id)
        if batch_id is None:
            return True
        index, _, attempt = job_id.partition("-")[2].partition("-")
        tries = self._tries.get(batch_id, {}).get(index, "0")
        return int(index) < self._totals.get(batch_id, 0) and int(attempt or 0) <= int(tries)


def step_of_batch(kind: str, identifier: str) -> Step | None:
    """Return the step of a batch's restore that a record belongs to; None if it belongs to no step."""
    if kind == "batch":
        return "open"
    if kind == "closed":
        return "close"
    return "item" if kind == "job" and batch_of(identifier) else None
