"""The client's own book: what it meant to ask for, what was answered, and what it saw. Safe for threads."""

import json
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.plan import BatchOrder, Order


@dataclass(frozen=True, slots=True)
class Refusal:
    """A response that means: not now."""

    status: int
    code: str
    says_when: bool  # carries Retry-After
    at: float  # seconds since the epoch, true time


@dataclass(frozen=True, slots=True)
class Seen:
    """What a client once read of a job that was done."""

    status: str
    outputs: tuple[str, ...]  # sha256 of each
    error: str  # its code, or ""

    @classmethod
    def of(cls, view: Mapping[str, Any]) -> "Seen":
        """Return what the API's view of a job, or of an item's result, says of its outcome."""
        outputs = tuple(output["sha256"] for output in view.get("outputs") or ())
        return cls(view["status"], outputs, (view.get("error") or {}).get("code", ""))


@dataclass(frozen=True, slots=True)
class Held:
    """A time in which something was not to start. Milliseconds since the epoch, true time."""

    kind: str  # pause, cordon or drain
    target: str  # the lane of a pause, "" for everything; else the name of a worker
    since: int
    until: int


@dataclass(slots=True)
class Entry:
    """One order in the book."""

    order: Order
    name: str  # the Idempotency-Key, or the id that the client chose
    ids: list[str] = field(default_factory=list)  # one for each response that accepted it
    accepted_at: float | None = None  # seconds since the epoch
    parent_id: str = ""  # of the job whose picture it paints
    refused: str = ""  # a final response that does not accept it
    cancel_response: str = ""  # "canceled", or why not
    is_deleted: bool = False
    seen: list[Seen] = field(default_factory=list)
    events: list[tuple[str, str, Mapping[str, Any]]] = field(default_factory=list)  # id, kind, data

    @property
    def id(self) -> str:
        """The job's id; "" where nothing was accepted."""
        return self.ids[0] if self.ids else ""


@dataclass(slots=True)
class BatchEntry:
    """One batch of the ledger; each of its items has another entry."""

    order: BatchOrder
    name: str  # the Idempotency-Key
    ids: list[str] = field(default_factory=list)  # one for each response that accepted it
    sampled: Mapping[str, int] | None = None  # its counts when it paused after its sample
    stops: int = 0  # how often it paused by itself

    @property
    def id(self) -> str:
        """The batch's id; "" where nothing was accepted."""
        return self.ids[0] if self.ids else ""


class Ledger:
    """The book, and a file with every line as it was written."""

    def __init__(self, path: Path) -> None:
        self.entries: dict[int, Entry] = {}
        self.batches: dict[int, BatchEntry] = {}
        self.actions: dict[int, Mapping[str, Any]] = {}  # as last seen, by number
        self.held: list[Held] = []
        self.refusals: list[Refusal] = []
        self._file = path.open("a", encoding="utf-8")
        self._lock = threading.Lock()

    def intend(self, order: Order, name: str) -> Entry:
        """Write down an order before the first request goes out."""
        entry = Entry(order, name)
        with self._lock:
            self.entries[order.number] = entry
            self._write("intended", order.number, name=name, request=order.request.name)
        return entry

    def intend_batch(self, order: BatchOrder, name: str) -> BatchEntry:
        """Write down a batch before the first request goes out."""
        entry = BatchEntry(order, name)
        with self._lock:
            self.batches[order.number] = entry
            self._write("batch intended", order.number, name=name, items=len(order.orders))
        return entry

    def accept_batch(self, entry: BatchEntry, batch_id: str) -> None:
        """Write down a response that accepted a batch."""
        with self._lock:
            entry.ids.append(batch_id)
            self._write("batch accepted", entry.order.number, id=batch_id)

    def accept(self, entry: Entry, job_id: str) -> None:
        """Write down a response that accepted the order."""
        with self._lock:
            entry.ids.append(job_id)
            entry.accepted_at = entry.accepted_at or time.time()
            self._write("accepted", entry.order.number, id=job_id)

    def hold(self, held: Held) -> None:
        """Write down a time in which something was not to start."""
        with self._lock:
            self.held.append(held)
            self._write(held.kind, -1, target=held.target, since=held.since, until=held.until)

    def refuse(self, refusal: Refusal) -> None:
        """Write down a response that refused the client for now."""
        with self._lock:
            self.refusals.append(refusal)
            self._write("put off", -1, status=refusal.status, code=refusal.code)

    def note(self, entry: Entry, what: str, **more: object) -> None:
        """Write down anything else."""
        with self._lock:
            self._write(what, entry.order.number, **more)

    def _write(self, what: str, number: int, **more: object) -> None:
        line = {"at": round(time.time(), 3), "what": what, "order": number, **more}
        self._file.write(json.dumps(line) + "\n")
        self._file.flush()

    @property
    def accepted(self) -> int:
        """How many orders were accepted."""
        with self._lock:
            return sum(1 for entry in self.entries.values() if entry.ids)

    def close(self) -> None:
        """Close the file."""
        self._file.close()
