"""A process's registry of metrics, and its text for Prometheus.

A registry a process, and no multiprocess mode: the API, a model worker and the io worker are one process
each, with threads. So collectors read at the scrape, and no process that was killed leaves anything behind.
"""

import platform
from importlib.metadata import version

from prometheus_client import (
    CollectorRegistry,
    Info,
    ProcessCollector,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

disable_created_metrics()  # type: ignore[no-untyped-call]  # a further series for each counter and histogram, of which nothing is asked

FOREIGN = "other"  # a label's value for whatever is not known to the catalogue


def new_registry(process: str) -> CollectorRegistry:
    """Return the registry of an "api", "worker" or "worker-io", with its build and what it takes."""
    registry = CollectorRegistry()
    ProcessCollector(registry=registry)
    build = Info("atelier_build", "The version that runs, and by which Python.", registry=registry)
    build.info(
        {
            "version": version("atelier-service"),
            "python": platform.python_version(),
            "process": process,
        }
    )
    return registry


def exposition(registry: CollectorRegistry, accept: str) -> tuple[bytes, str]:
    """Return all metrics as text, and its media type: the one that the header `Accept` asks for."""
    encode, media_type = choose_encoder(accept)
    return encode(registry), media_type
