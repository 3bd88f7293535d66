"""What API and workers know of each other: the roster of live workers, and the request to reload models."""

import json
from contextlib import suppress
from dataclasses import asdict, dataclass

from shared.errors import StoreUnavailable
from shared.redis.client import Client, store_errors
from shared.redis.keys import PREFIX, Keys
from shared.redis.scripts import Scripts

STALE_AFTER_SECONDS = 15


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
    slots: int  # jobs it runs at once
    models: tuple[LoadedModel, ...]
    runners: int = 0  # jobs whose models it runs at once; 0: an older worker, which does not say
    available: tuple[str, ...] | None = None  # models it can load; None: an older worker, which does not say

    @property
    def at_full_speed(self) -> int:
        """How many jobs it carries out at once before they slow each other down."""
        return min(self.slots, self.runners or self.slots)

    def has(self, name: str) -> bool:
        """Whether it has a model loaded or can load it, as far as it says."""
        return name in (self.available or ()) or any(model.name == name for model in self.models)


class WorkerRoster:
    """Live workers in the Redis-protocol server; one that stops announcing itself is soon forgotten."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._scripts = Scripts(client, prefix=prefix)
        self._set = self._scripts.keys("workers")

    def announce(self, worker: Worker) -> None:
        """Put a worker that makes progress on the roster. Repeat well within STALE_AFTER_SECONDS."""
        self._scripts.run(
            "workers/announce", worker.id, json.dumps(asdict(worker)), STALE_AFTER_SECONDS * 1000
        )

    def withdraw(self, worker_id: str) -> None:
        """Take a worker that stops off the roster."""
        self._scripts.run("workers/announce", worker_id, "", 0)

    def live(self) -> tuple[Worker, ...]:
        """Return the workers that announced themselves lately, and forget the others."""
        with store_errors():
            ids = sorted(self._client.smembers(self._set))
            texts = self._client.mget([self._scripts.keys("worker", i) for i in ids]) if ids else []
        self._forget([i for i, text in zip(ids, texts, strict=True) if text is None])
        return tuple(_worker(json.loads(text)) for text in texts if text is not None)

    def _forget(self, stale: list[str]) -> None:
        if stale:
            with suppress(StoreUnavailable), store_errors():  # reading goes on where nothing can be written
                self._client.srem(self._set, *stale)


class ReloadRequest:
    """A request that all workers look for new model versions: a number in Redis that grows each time.

    An operator makes it; every worker sees it at its next heartbeat.
    """

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._key = Keys(prefix)("reload")
        self._seen = ""

    def make(self) -> None:
        """Ask all workers to take new versions into service."""
        with store_errors():
            self._client.incr(self._key)

    def is_new(self) -> bool:
        """Whether a request was made since the last call; those from before the first call do not count."""
        with store_errors():
            number = self._client.get(self._key) or "0"
        known, self._seen = self._seen, number
        return known not in ("", number)


def _worker(raw: dict[str, object]) -> Worker:
    models = raw["models"]
    assert isinstance(models, list)
    available = raw.get("available")
    return Worker(
        str(raw["id"]),
        int(str(raw["slots"])),
        tuple(LoadedModel(**model) for model in models),
        runners=int(str(raw.get("runners", 0))),
        available=tuple(map(str, available)) if isinstance(available, list) else None,
    )
