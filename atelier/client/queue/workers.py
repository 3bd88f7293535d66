"""`client.workers`: the workers by name, and which of them are to claim no more jobs."""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal
from urllib.parse import quote

from atelier.client.errors import reading
from atelier.client.job import moment
from atelier.client.request_parts import Lane
from atelier.client.responses import json_of
from atelier.client.transport import Resource

WorkerState = Literal["active", "cordoned", "draining", "drained", "gone"]
POLL_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class Cordon:
    """Why a worker claims no jobs."""

    at: datetime
    by: str  # the id of the API key that asked
    reason: str = ""
    drain: bool = False


@dataclass(frozen=True, slots=True)
class Worker:
    """A worker, by the name that it keeps over restarts."""

    name: str
    state: WorkerState
    running: int  # jobs
    slots: int  # jobs that it carries out at once
    labels: tuple[str, ...] = ()
    lane: Lane | None = None  # which it serves alone; None: both
    cordon: Cordon | None = None  # None while it claims jobs
    processes: tuple[str, ...] = ()  # ids of those that live; more than one share the name
    memory_bytes: int | None = None  # that its machine or container has for it
    numerics: tuple[str, ...] = ()  # workers of one make equal bytes of equal jobs; of an older one, none
    disk_full: bool = False  # then it claims no jobs
    loaded: tuple[str, ...] = ()  # models
    available: tuple[str, ...] | None = None  # models, loaded or not; None: an older worker
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


class WorkersResource(Resource):
    """The workers of one Atelier. A key needs the scope `admin`, to list them `metrics`."""

    def list(self) -> tuple[Worker, ...]:
        """Return the workers that live, and those that are cordoned, by name."""
        found = json_of(self._transport.send("GET", "/v1/workers"))
        with reading("workers"):
            return tuple(_worker(body) for body in found["data"])

    def cordon(self, name: str, *, reason: str = "") -> Worker:
        """Let a worker claim no more jobs; what it runs goes on. Raises ApiError (404) for no worker."""
        return self._posted(name, "cordon", reason)

    def drain(self, name: str, *, reason: str = "") -> Worker:
        """As `cordon`, to stop the worker once it runs nothing: `wait_drained` waits for that."""
        return self._posted(name, "drain", reason)

    def uncordon(self, name: str) -> Worker:
        """Let a worker claim jobs again."""
        return self._posted(name, "uncordon")

    def wait_drained(
        self,
        names: Collection[str],
        *,
        timeout_seconds: float | None = None,
        on_change: Callable[[tuple[Worker, ...]], None] = lambda _: None,
    ) -> tuple[Worker, ...]:
        """Wait until workers run nothing; return them as they are then, or when the time is over.

        `on_change` gets them at first, and whenever one runs another number of jobs.
        """
        deadline = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        known: tuple[int, ...] | None = None
        while True:
            workers = tuple(worker for worker in self.list() if worker.name in names)
            counts = tuple(worker.running for worker in workers)
            if counts != known:
                known = counts
                on_change(workers)
            is_late = deadline is not None and time.monotonic() >= deadline
            if not any(counts) or is_late:
                return workers
            time.sleep(POLL_SECONDS)

    def _posted(self, name: str, move: str, reason: str = "") -> Worker:
        body: dict[str, Any] = {"json": {"reason": reason}} if reason else {}
        path = f"/v1/workers/{quote(name, safe='')}/{move}"
        found = json_of(self._transport.send("POST", path, **body))
        with reading("a worker"):
            return _worker(found)


def _worker(body: Any) -> Worker:
    available = body.get("available")
    return Worker(
        name=body["name"],
        state=body["state"],
        running=int(body["running"]),
        slots=int(body["slots"]),
        labels=tuple(body.get("labels") or ()),
        lane=body.get("lane"),
        cordon=_cordon(body.get("cordon")),
        processes=tuple(body.get("processes") or ()),
        memory_bytes=body.get("memory_bytes"),
        numerics=tuple(body.get("numerics") or ()),
        disk_full=bool(body.get("disk_full")),
        loaded=tuple(body.get("loaded") or ()),
        available=None if available is None else tuple(available),
        raw=body,
    )


def _cordon(body: Mapping[str, Any] | None) -> Cordon | None:
    at = moment(body["at"]) if body else None
    if not body or at is None:
        return None
    return Cordon(at, str(body.get("by") or ""), str(body.get("reason") or ""), bool(body.get("drain")))
