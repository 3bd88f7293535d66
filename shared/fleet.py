"""The workers by their names: what each runs and has, and which of them are to claim no more jobs.

A cordon is kept by the worker's name, so that it outlives restarts of the worker. The script that claims asks
for it: once it is made, no job starts there. Jobs that run go on to their end.
"""

import json
from collections import Counter
from dataclasses import dataclass, replace
from enum import StrEnum

from shared.errors import WorkerNotFound
from shared.redis.client import Client, record_of
from shared.redis.keys import PREFIX
from shared.redis.scripts import Scripts
from shared.workers import Worker, name_of, worker_from_json


class WorkerState(StrEnum):
    """What a worker does."""

    ACTIVE = "active"  # it claims jobs
    CORDONED = "cordoned"  # it claims none; what it runs goes on
    DRAINING = "draining"  # the same, and somebody waits until it runs nothing
    DRAINED = "drained"  # it runs nothing, and may be stopped
    GONE = "gone"  # it does not live; it will be cordoned when it comes back


@dataclass(frozen=True, slots=True)
class Cordon:
    """Why a worker claims no jobs."""

    at: int  # milliseconds since the epoch by the server's clock
    by: str  # the API key's name, or who did it without one
    reason: str  # in words; may be empty
    drain: bool  # somebody waits until it runs nothing


@dataclass(frozen=True, slots=True)
class NamedWorker:
    """The worker of a name. It has several live processes only where two share the name by mistake."""

    name: str
    processes: tuple[Worker, ...]
    running: int  # jobs
    cordon: Cordon | None

    @property
    def state(self) -> WorkerState:
        """What it does."""
        if self.cordon is None:
            return WorkerState.ACTIVE
        if not (self.processes or self.running):
            return WorkerState.GONE
        if not self.cordon.drain:
            return WorkerState.CORDONED
        return WorkerState.DRAINING if self.running else WorkerState.DRAINED

    @property
    def lane(self) -> str:
        """The lane that its processes serve alone; "" for both."""
        lanes = {each.lane for each in self.processes}
        return lanes.pop() if len(lanes) == 1 else ""

    @property
    def labels(self) -> tuple[str, ...]:
        """The labels that its processes have."""
        return tuple(sorted({label for each in self.processes for label in each.labels}))


class Fleet:
    """The workers of one installation."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._scripts = Scripts(client, prefix=prefix)

    def workers(self) -> list[NamedWorker]:
        """Return the live workers, and those that are cordoned and do not live, by name."""
        announced, cordons, running = self._scripts.run("workers/read")
        processes: dict[str, list[Worker]] = {}
        for text in announced:
            worker = worker_from_json(json.loads(text))
            processes.setdefault(worker.name, []).append(worker)
        held = {name: Cordon(**json.loads(text)) for name, text in record_of(cordons).items()}
        counts: Counter[str] = Counter()
        for worker_id, count in record_of(running).items():
            counts[name_of(worker_id)] += int(count)
        return [
            NamedWorker(name, tuple(processes.get(name, ())), counts[name], held.get(name))
            for name in sorted({*processes, *held})
        ]

    def get(self, name: str) -> NamedWorker:
        """Return the worker of a name; raise WorkerNotFound."""
        found = next((worker for worker in self.workers() if worker.name == name), None)
        if found is None:
            raise WorkerNotFound(f"no worker that lives or is cordoned is named {name[:80]!r}")
        return found

    def cordon(self, name: str, *, by: str, reason: str = "", drain: bool = False) -> NamedWorker:
        """Let a worker claim no more jobs; from now on none starts there. Raises WorkerNotFound."""
        self.get(name)
        self._scripts.run("workers/cordon", name, by, reason, int(drain))
        return self.get(name)

    def uncordon(self, name: str) -> NamedWorker:
        """Let a worker claim jobs again; raise WorkerNotFound. One that does not live is then forgotten."""
        found = self.get(name)
        self._scripts.run("workers/cordon", name)
        return replace(found, cordon=None)
