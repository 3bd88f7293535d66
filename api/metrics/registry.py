"""The API's registry: its build and process, the queue, the storage, and the requests."""

from dataclasses import dataclass

from prometheus_client import CollectorRegistry

from api.metrics.queue import QueueCollector
from api.metrics.requests import RequestMetrics
from api.metrics.storage import StorageCollector
from api.services import Services
from shared.metrics.registry import new_registry
from shared.metrics.snapshot import SnapshotReader

METRICS = "atelier.metrics"  # name of the application's Metrics among its extensions


@dataclass(frozen=True, slots=True)
class Metrics:
    """What an application tells Prometheus."""

    registry: CollectorRegistry
    http: RequestMetrics


def metrics_of(services: Services) -> Metrics:
    """Return the metrics for an application."""
    registry = new_registry("api")
    reader = SnapshotReader(services.store.scripts, services.roster)
    registry.register(QueueCollector(reader, services.catalog))
    registry.register(StorageCollector(services.disk, services.settings.disk))
    return Metrics(registry, RequestMetrics(registry))
