"""Which workers live, and what they can run."""

import json
from dataclasses import asdict, dataclass

from shared.redis_server import PREFIX, Client, answering

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


class WorkerRoster:
    """Live workers in the Redis-protocol server; one that stops announcing itself is soon forgotten."""

    def __init__(self, client: Client, *, prefix: str = PREFIX) -> None:
        self._client = client
        self._set = f"{prefix}workers"

    def announce(self, worker: Worker) -> None:
        """Say that a worker lives and makes progress. Repeat well within STALE_AFTER_SECONDS."""
        with answering():
            pipeline = self._client.pipeline()
            pipeline.sadd(self._set, worker.id)
            pipeline.set(f"{self._set}:{worker.id}", json.dumps(asdict(worker)), ex=STALE_AFTER_SECONDS)
            pipeline.execute()

    def withdraw(self, worker_id: str) -> None:
        """Take a worker that stops off the roster."""
        with answering():
            self._client.delete(f"{self._set}:{worker_id}")
            self._client.srem(self._set, worker_id)

    def live(self) -> tuple[Worker, ...]:
        """Return the workers that announced themselves lately, and forget the others."""
        with answering():
            ids = sorted(self._client.smembers(self._set))
            texts = self._client.mget([f"{self._set}:{i}" for i in ids]) if ids else []
            stale = [i for i, text in zip(ids, texts, strict=True) if text is None]
            if stale:
                self._client.srem(self._set, *stale)
        return tuple(_worker(json.loads(text)) for text in texts if text is not None)


def _worker(raw: dict[str, object]) -> Worker:
    models = raw["models"]
    assert isinstance(models, list)
    return Worker(str(raw["id"]), int(str(raw["slots"])), tuple(LoadedModel(**model) for model in models))
