"""The metrics of the io worker's process, and what those of all workers begin with. Loads no model's code."""

from collections.abc import Iterator
from dataclasses import dataclass

from prometheus_client.registry import Collector

from shared.metrics.families import Family, Samples, gauge, gauges
from shared.storage.disk_guard import DiskGuard
from shared.workers import name_of
from worker.health import WorkerHealth


def of_worker(worker_id: str, numerics: str, health: WorkerHealth) -> Iterator[Family]:
    """Yield what every worker tells of itself."""
    told: Samples = {(name_of(worker_id), numerics): 1}
    yield from gauges("worker_info", "Its name, and what it computes with.", "worker numerics", told)
    text = "Whether it takes work, as its health file says: 1 or 0."
    yield from gauge("worker_ready", text, float(health.can_work))


@dataclass(frozen=True, slots=True)
class IoWorkerCollector(Collector):
    """What the io worker tells."""

    worker_id: str
    health: WorkerHealth
    disk: DiskGuard

    def collect(self) -> Iterator[Family]:
        """Yield how the process is, and what is stored."""
        yield from of_worker(self.worker_id, "", self.health)
        text = "What stored objects take, in whole blocks, measured every five minutes; absent for a bucket."
        yield from gauge("storage_used_bytes", text, self.disk.used_bytes())
