"""What the store knows of transfers: which step is due, what a source has, what came of each result."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from shared.batches.batch import Batch, batch_from_record
from shared.errors import AtelierError
from shared.jobs.job import Job
from shared.jobs.reading import PageReader
from shared.jobs.store import JobStore
from shared.jobs.submission import to_text
from shared.redis.client import server_time, store_errors

Kind = Literal["source", "destination"]
LEASE_SECONDS = 30  # a step whose process died is made again after this
LISTED_AT_ONCE = 500
MOST_OF_PLACE = 2  # batches that one process moves from or to one place at once
MOST_DETAIL = 300  # characters of an error that a batch keeps


@dataclass(frozen=True, slots=True)
class Transfer:
    """A batch, and what its record has of transfers beside that."""

    batch: Batch
    exported: int  # ended items whose results were put at the destination, or given up
    tries: int  # in a row that failed at the destination or the source
    since_ms: int  # how long nothing has come of the destination or the source; 0: it has
    asked_pixels: int  # of the results of the items from its source
    asked_bytes: int
    has_final_error: bool  # that of its source, which stays


class Transfers:
    """The transfers of an installation."""

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._client = store.client
        self._scripts = store.scripts
        self._key = store.scripts.keys

    def take(self, kind: Kind, room: int, busy: Mapping[str, int]) -> list[tuple[str, str]]:
        """Take up to `room` batches whose next step is due; return the id and the place of each.

        `busy` is how many batches of each place this process moves already.
        """
        pairs = [part for pair in busy.items() for part in pair]
        flat = self._scripts.run("transfers/take", kind, LEASE_SECONDS * 1000, room, MOST_OF_PLACE, *pairs)
        return list(zip(flat[::2], flat[1::2], strict=True))

    def renew(self, kind: Kind, batch_id: str) -> None:
        """Keep a batch that was taken, for another lease."""
        until = server_time(self._client) + LEASE_SECONDS * 1000
        with store_errors():
            self._client.zadd(self._due(kind), {batch_id: until}, xx=True)

    def _due(self, kind: Kind) -> str:
        return self._key("imports" if kind == "source" else "exports")

    def read(self, kind: Kind, batch_id: str) -> Transfer | None:
        """Return a batch and how its transfers stand; None where it is gone."""
        with store_errors():
            raw = self._client.hgetall(self._key("batch", batch_id))
            now = server_time(self._client)
        if not raw or raw["status"] == "deleted":
            return None
        since = raw.get(f"{kind}_since")
        return Transfer(
            batch=batch_from_record(raw),
            exported=int(raw.get("exported") or 0),
            tries=int(raw.get(f"{kind}_tries") or 0),
            since_ms=max(1, now - int(since)) if since else 0,
            asked_pixels=int(raw.get("source_pixels") or 0),
            asked_bytes=int(raw.get("source_bytes") or 0),
            has_final_error=bool(json.loads(raw.get("source_error") or "{}").get("final")),
        )

    def templates(self, batch_id: str) -> list[dict[str, Any]]:
        """Return what is made of each picture of a batch's source."""
        with store_errors():
            texts = self._client.lrange(self._key("batch_templates", batch_id), 0, -1)
        return [json.loads(text) for text in texts]

    def begin_listing(self, batch_id: str, token: str) -> bool:
        """Begin to note what a source has; what others have noted, or note later, is forgotten."""
        return bool(self._scripts.run("transfers/listing", "begin", batch_id, token, 0) == "ok")

    def add_listed(self, batch_id: str, token: str, lines: Sequence[str]) -> bool:
        """Note some of what a source has; False where another process has begun since."""
        return bool(self._scripts.run("transfers/listing", "add", batch_id, token, 0, *lines) == "ok")

    def end_listing(self, batch_id: str, token: str, count: int) -> bool:
        """Note that this was all."""
        return bool(self._scripts.run("transfers/listing", "end", batch_id, token, count) == "ok")

    def listed(self, batch_id: str, first: int, count: int) -> list[str]:
        """Return some of what was noted, from a number on."""
        with store_errors():
            key = self._key("batch_listing", batch_id)
            return list(self._client.lrange(key, first, first + count - 1))

    def ended(self, batch_id: str, first: int, count: int) -> list[tuple[str, Job | None]]:
        """Return items with their ids, in the order of their ends, from a number on; fewer of large ones."""
        with store_errors():
            key = self._key("batch_finished", batch_id)
            names = self._client.lrange(key, first, first + count - 1)
        ids = [f"job_{batch_id.removeprefix('batch_')}-{name}" for name in names]
        return list(zip(ids, PageReader(self._scripts).read(ids), strict=False))

    def note_delivered(self, batch_id: str, first: int, told: Sequence[tuple[str, str]]) -> bool:
        """Note what came of the results of ended items, from a number on; False where another was faster."""
        flat = [part for pair in told for part in pair]
        return bool(self._scripts.run("transfers/deliver", batch_id, first, *flat) == "ok")

    def postpone(
        self,
        kind: Kind,
        batch_id: str,
        seconds: float,
        error: AtelierError | None = None,
        *,
        failing: bool = False,
    ) -> None:
        """Say when a batch goes on, and what keeps it back; `failing` where that is given up after a time.

        Then the pause doubles with every failure in a row, to five minutes at the most.
        """
        told = told_of(error) if error is not None else ""
        pause = int(seconds * 1000)
        self._scripts.run("transfers/postpone", kind, batch_id, pause, told, int(failing))

    def note_progress(self, found: Transfer, kind: Kind) -> None:
        """Note that something came after failures: they count no more."""
        if found.since_ms:
            self.postpone(kind, found.batch.id, LEASE_SECONDS)

    def finish(self, kind: Kind, batch_id: str, error: str = "") -> bool:
        """Have a batch take no further step; False where it must, as something came meanwhile."""
        return bool(self._scripts.run("transfers/finish", kind, batch_id, error))

    def note_final(self, batch_id: str, error: AtelierError) -> None:
        """Note why a source is not taken whole, before its batch is closed for that."""
        self._scripts.run("transfers/note_final", batch_id, told_of(error, final=True))

    def final_error(self, batch_id: str) -> str:
        """Return what `note_final` noted, as `finish` takes it."""
        with store_errors():
            return self._client.hget(self._key("batch", batch_id), "source_error") or ""


def told_of(error: AtelierError, *, final: bool = False) -> str:
    """Return an error as a batch keeps it: what clients are told, without addresses."""
    told: dict[str, Any] = {"code": error.code, "detail": error.detail[:MOST_DETAIL]}
    return to_text({**told, "final": True} if final else told)
