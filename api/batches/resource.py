"""Batches as a resource of this API: how one is read and shown."""

from flask import current_app

from api.resources import CAPACITY, Capacity
from api.services import Services, links, services
from shared.batches.batch import Batch
from shared.batches.rendering import batch_view
from shared.batches.views import BatchView
from shared.errors import StoreUnavailable
from shared.jobs.rendering import Links


class BatchResource:
    """Reads and shows batches."""

    kind = "batch"
    estimate = "progress"

    def __init__(self, services: Services, capacity: Capacity, links: Links) -> None:
        self._services = services
        self._capacity = capacity
        self.links = links

    def get(self, batch_id: str, owner: str) -> Batch:
        """Return the owner's batch; raise BatchNotFound or JobGone."""
        return self._services.batches.get(batch_id, owner)

    def url(self, batch_id: str) -> str:
        """Return where a batch is."""
        return self.links.batch(batch_id)

    def changes_silently(self, batch: Batch) -> bool:
        """Whether the batch may change without an event: its progress does."""
        return True

    def view(self, batch: Batch) -> BatchView:
        """Return the batch's representation, with the time until it is done."""
        try:
            eta_seconds = self._services.batches.eta_seconds(batch, self._capacity.slots())
        except StoreUnavailable:  # the batch was read; its time is not worth an error
            eta_seconds = None
        return batch_view(batch, self.links, eta_seconds)


def batches() -> BatchResource:
    """Return the batches with links that suit this request."""
    return BatchResource(services(), current_app.extensions[CAPACITY], links())
