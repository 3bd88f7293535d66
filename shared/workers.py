"""State shared by API and workers: the roster of live workers, and the request to reload models."""

import json
import re
from collections import Counter
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from operator import itemgetter
from typing import Any, NamedTuple

from shared.cards.parts import name_of as name_of_model
from shared.errors import StoreUnavailable
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX
from shared.redis.recent import Recent
from shared.redis.scripts import Scripts, value_of

STALE_AFTER_SECONDS = 15
RECENT_SECONDS = 1.0  # estimates and checks of many requests need no newer roster
_ID = re.compile(r"(.+)-\d+-[0-9a-f]+", re.DOTALL)
FIRST_REPORTED_SCHEMA = 4  # of records; workers that do not report what they read read this


@dataclass(frozen=True, slots=True)
class LoadedModel:
    """A model that a worker has loaded and warmed."""

    name: str
    version: str
    digest: str


@dataclass(frozen=True, slots=True)
class Worker:
    """One live worker."""

    id: str
    slots: int  # jobs that it runs at once
    models: tuple[LoadedModel, ...]
    runners: int = 0  # models that it runs at once; 0: an older worker that does not report this
    available: tuple[str, ...] | None = None  # models that it can load; None: an older worker
    has_room: bool = True  # its disk has room for results
    reaches_storage: bool = True  # the storage answered when it was last asked
    schema: int = FIRST_REPORTED_SCHEMA  # the newest records that it reads
    labels: tuple[str, ...] = ()  # what its operator calls it besides
    memory_bytes: int = 0  # that the processes of its machine or container may take; 0: an older worker
    numerics: str = ""  # workers of one make the same bytes; "": an older worker
    versions: tuple[str, ...] = ()  # versions of models that it can load: "name@version"; (): an older worker
    cordoned: bool = False  # it claims no jobs; see shared/fleet.py
    lane: str = ""  # which it serves alone; "": both

    @property
    def name(self) -> str:
        """Its name, which outlives restarts."""
        return name_of(self.id)

    @property
    def takes_jobs(self) -> bool:
        """Whether it claims jobs."""
        return not self.cordoned

    @property
    def at_full_speed(self) -> int:
        """The number of jobs that it can run at once without slowing each other down."""
        return min(self.slots, self.runners or self.slots)

    def has(self, name: str) -> bool:
        """Whether it reports that a model, given by name or `name@version`, is loaded or can be loaded."""
        return name in (*(self.available or ()), *self.versions) or any(
            model.name == name for model in self.models
        )

    def may_have(self, name: str) -> bool:
        """Whether it has a model, as far as is known: an older worker does not report all of its models."""
        if not self.versions:
            name = name_of_model(name)
        return self.available is None or self.has(name)

    def serves(self, lane: str | None) -> bool:
        """Whether it claims jobs of a lane; None stands for any."""
        return not (self.lane and lane) or self.lane == lane

    def reads(self, schema: int) -> bool:
        """Whether it reads records of a schema."""
        return schema <= self.schema


@dataclass(frozen=True, slots=True)
class Capacity:
    """What the live workers have for the jobs of one lane: what their places and times count on."""

    slots: int  # jobs that they run at once without slowing each other down
    alone: int = 0  # of these slots, those of workers that serve no other lane
    alone_ids: frozenset[str] = frozenset()  # of these workers
    elsewhere: frozenset[str] = frozenset()  # ids of live workers whose jobs take none of the slots

    @property
    def is_shared(self) -> bool:
        """Whether jobs of the other lane take slots too; so they do where nobody knows the workers."""
        return self.alone < self.slots or not self.slots


class Doorbell(NamedTuple):
    """The message that tells a worker of a job. It is accepted together with the job."""

    queue: str  # the list that it goes into; "" for no message
    message: str
    most: int  # messages in the list, with which it is left out


NO_DOORBELL = Doorbell("", "", 0)


def slots_of(workers: Iterable[Worker], lane: str | None = None) -> int:
    """Return how many jobs workers run at once without slowing each other down; cordoned ones run none.

    With a lane: of those that serve it.
    """
    return sum(worker.at_full_speed for worker in workers if worker.takes_jobs and worker.serves(lane))


def capacity_of(workers: Iterable[Worker], lane: str) -> Capacity:
    """Return what workers have for a lane: cordoned ones have nothing, nor those of the other lane alone."""
    live = list(workers)
    able = [worker for worker in live if worker.takes_jobs and worker.serves(lane)]
    alone = [worker for worker in able if worker.lane]
    ids = [frozenset(worker.id for worker in some) for some in (live, able, alone)]
    return Capacity(slots_of(able), slots_of(alone), ids[2], ids[0] - ids[1])


def numerics_of(workers: Iterable[Worker]) -> dict[str, int]:
    """Return how many workers there are of each numerics, the most frequent first; older ones tell none."""
    return dict(Counter(worker.numerics for worker in workers if worker.numerics).most_common())


def name_of(worker_id: str) -> str:
    """Return the name of a worker: its id without process and random part, as includes/cordons.lua has it."""
    found = _ID.fullmatch(worker_id)
    return found[1] if found else worker_id


def runnable_models(workers: Iterable[Worker], lane: str | None = None) -> frozenset[str] | None:
    """Return the models that workers have loaded or can load, by name and by `name@version`.

    With a lane: those that serve it. None if that is unknown: none of them lives (one may be starting),
    or one is too old to report its models.
    """
    workers = [worker for worker in workers if worker.serves(lane)]
    if not workers or any(worker.available is None for worker in workers):
        return None
    loaded = {model.name for worker in workers for model in worker.models}
    return frozenset(loaded.union(*((*(worker.available or ()), *worker.versions) for worker in workers)))


class WorkerRoster:
    """Live workers in the Redis-protocol server; a worker that stops announcing itself expires soon."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._scripts = Scripts(client, prefix=prefix)
        self._set = self._scripts.keys("workers")
        self._cordons = self._scripts.keys("cordons")
        self.known = Recent(self._scripts, ("workers/live",), self._live_of, seconds=RECENT_SECONDS)

    def announce(self, worker: Worker) -> None:
        """Add a working worker to the roster. Repeat this well within STALE_AFTER_SECONDS."""
        self.known.forget()
        self._scripts.run(
            "workers/announce", worker.id, json.dumps(asdict(worker)), STALE_AFTER_SECONDS * 1000
        )

    def withdraw(self, worker_id: str) -> None:
        """Remove a stopping worker from the roster."""
        self.known.forget()
        self._scripts.run("workers/announce", worker_id, "", 0)

    def live(self) -> tuple[Worker, ...]:
        """Return the workers that announced themselves recently, and remove the others."""
        return self.known.newest()

    def _live_of(self, reply: Any) -> tuple[Worker, ...]:
        announced, cordons = value_of(reply)
        found = sorted(announced, key=itemgetter(0))
        self._forget([name for name, text in found if text is None])
        workers = (worker_from_json(json.loads(text)) for _, text in found if text is not None)
        return tuple(replace(worker, cordoned=worker.name in cordons) for worker in workers)

    def recent(self) -> tuple[Worker, ...]:
        """Return the live workers as they were up to a second ago; raise StoreUnavailable."""
        return self.known.get()

    def is_cordoned(self, worker_id: str) -> bool:
        """Whether a worker is to claim no jobs."""
        with store_errors():
            return bool(self._client.hexists(self._cordons, name_of(worker_id)))

    def _forget(self, stale: list[str]) -> None:
        if stale:
            with suppress(StoreUnavailable), store_errors():  # reading works even if the server cannot write
                self._client.srem(self._set, *stale)


class ReloadRequest:
    """A request to all workers to look for new model versions: a number in Redis that grows each time.

    An operator makes the request; every worker sees it at its next heartbeat.
    """

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts
        self._seen = ""

    def make(self) -> None:
        """Request that all workers load new versions."""
        self._scripts.run("workers/reload")

    def is_new(self) -> bool:
        """Whether a request was made since the last call; requests before the first call do not count."""
        with store_errors():
            number = self._scripts.client.get(self._scripts.keys("reload")) or "0"
        known, self._seen = self._seen, number
        return known not in ("", number)


def worker_from_json(raw: dict[str, object]) -> Worker:
    """Read what a worker announced; one of an older version lacks some of it."""
    models = raw["models"]
    assert isinstance(models, list)
    available, labels = raw.get("available"), raw.get("labels")
    versions = raw.get("versions")
    return Worker(
        str(raw["id"]),
        int(str(raw["slots"])),
        tuple(LoadedModel(**model) for model in models),
        runners=int(str(raw.get("runners", 0))),
        available=tuple(map(str, available)) if isinstance(available, list) else None,
        has_room=bool(raw.get("has_room", True)),
        reaches_storage=bool(raw.get("reaches_storage", True)),
        schema=int(str(raw.get("schema", FIRST_REPORTED_SCHEMA))),
        labels=tuple(map(str, labels)) if isinstance(labels, list) else (),
        memory_bytes=int(str(raw.get("memory_bytes", 0))),
        numerics=str(raw.get("numerics", "")),
        versions=tuple(map(str, versions)) if isinstance(versions, list) else (),
        lane=str(raw.get("lane", "")),
    )
