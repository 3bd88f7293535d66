"""Tells workers of a batch's items, sooner than the reaper would."""

import logging

from api.services import Services
from shared.batches import Batch
from shared.errors import StoreUnavailable

log = logging.getLogger("atelier.api")


def ring_for(services: Services, batch: Batch) -> None:
    """Ring for the items that wait. Never raises: where it fails, the reaper rings."""
    try:
        services.queue.ring_for(batch.counts["queued"], batch.id, batch.lane)
    except StoreUnavailable as error:
        log.warning("doorbell failed", extra={"batch_id": batch.id, "detail": error.detail})
