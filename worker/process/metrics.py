"""The metrics of a worker's process, read at the scrape: whether it works, and what it holds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.registry import Collector

from shared.metrics.families import Family, Samples, counters, gauge, gauges
from shared.storage.disk_guard import DiskGuard
from shared.workers import LoadedModel, name_of
from worker.execution.attempt import AttemptsInFlight
from worker.execution.resources import StyleCache
from worker.health import WorkerHealth
from worker.process.heartbeat import Liveness


def _process(worker_id: str, numerics: str, health: WorkerHealth) -> Iterator[Family]:
    told: Samples = {(name_of(worker_id), numerics): 1}
    yield from gauges("worker_info", "Its name, and what it computes with.", "worker numerics", told)
    text = "Whether it takes work, as its health file says: 1 or 0."
    yield from gauge("worker_ready", text, float(health.can_work))


@dataclass(frozen=True, slots=True)
class ModelWorkerCollector(Collector):
    """What a model worker tells."""

    worker_id: str
    slots: int
    liveness: Liveness
    held: AttemptsInFlight
    styles: StyleCache[Any]
    loaded: Callable[[], tuple[LoadedModel, ...]]

    def collect(self) -> Iterator[Family]:
        """Yield what the process holds now."""
        yield from _process(self.worker_id, self.liveness.numerics, self.liveness)
        attempts = self.held.all()
        yield from gauge("worker_attempts", "Attempts in progress.", len(attempts))
        yield from gauge("worker_most_attempts", "The most that it takes at once.", self.slots)
        text = "Since the attempt that is silent the longest began a stage or step; 0 without one."
        silence = max((attempt.silence_seconds for attempt in attempts), default=0.0)
        yield from gauge("worker_silence_seconds", text, silence)
        models: Samples = {(model.name,): 1 for model in self.loaded()}
        yield from gauges("worker_model_loaded", "1 for each model that is loaded.", "model", models)
        lookups: Samples = {("hit",): self.styles.hits, ("miss",): self.styles.misses}
        text = "Looks at the cache of styles that this process has prepared."
        yield from counters("style_lookups", text, "result", lookups)


@dataclass(frozen=True, slots=True)
class IoWorkerCollector(Collector):
    """What the io worker tells."""

    worker_id: str
    health: WorkerHealth
    disk: DiskGuard

    def collect(self) -> Iterator[Family]:
        """Yield how the process is, and what is stored."""
        yield from _process(self.worker_id, "", self.health)
        text = "What stored objects take, in whole blocks, measured every five minutes; absent for a bucket."
        yield from gauge("storage_used_bytes", text, self.disk.used_bytes())
