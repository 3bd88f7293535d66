"""Tells workers what waits, sooner than the reaper would. Never raises: where it fails, the reaper rings."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from api.services import Services
from shared.batches.batch import Batch
from shared.errors import StoreUnavailable
from shared.specs.parts import Lane

log = logging.getLogger("atelier.api")


def ring(services: Services, job_id: str, lane: Lane) -> None:
    """Ring for a job that was accepted, or waits again."""
    with _as_a_courtesy(job_id=job_id):
        services.queue.notify(job_id, lane)


def ring_for(services: Services, batch: Batch) -> None:
    """Ring for the items that wait."""
    with _as_a_courtesy(batch_id=batch.id):
        services.queue.notify_for(batch.counts["queued"], batch.id, batch.lane)


@contextmanager
def _as_a_courtesy(**whose: str) -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        log.warning("doorbell failed", extra={**whose, "detail": error.detail})
