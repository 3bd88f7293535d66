"""The metrics of a model worker's process, read at the scrape: whether it works, and what it holds."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from prometheus_client.registry import Collector

from shared.metrics.families import Family, Samples, counters, gauge, gauges
from shared.workers import LoadedModel
from worker.execution.attempt import AttemptsInFlight
from worker.execution.resources import StyleCache
from worker.process.heartbeat import Liveness
from worker.process.io_metrics import of_worker


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
        yield from of_worker(self.worker_id, self.liveness.numerics, self.liveness)
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
