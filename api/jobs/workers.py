"""The link from the API to workers: it reads which models they have, and notifies them of jobs."""

import logging
from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from api.services import Services
from shared.batches.batch import Batch
from shared.cards.card import ModelCard
from shared.errors import AtelierError, ModelUnavailable, StoreUnavailable
from shared.specs.parts import Lane
from shared.specs.spec import JobSpec, cards_of
from shared.workers import Worker, runnable_models

log = logging.getLogger("atelier.api")


class AvailableModels:
    """The models that live workers have loaded or can load, up to a second ago; a refusal looks again.

    Create one for each request.
    """

    def __init__(self, services: Services, workers: tuple[Worker, ...] | None = None) -> None:
        self._roster = services.roster
        self._catalog = services.catalog
        self._names = runnable_models(workers) if workers is not None else None
        self._read = "newest" if workers is not None else ""

    def has(self, card: ModelCard) -> bool | None:
        """Whether a live worker has a model; None if unknown."""
        if not self._read:
            self._names, self._read = runnable_models(self._roster.recent()), "recent"
        return None if self._names is None else card.reference in self._names

    def _lacks(self, card: ModelCard) -> bool:
        """Whether all live workers, by the newest roster, lack a model."""
        if self.has(card) is False and self._read == "recent":
            self._names, self._read = runnable_models(self._roster.live()), "newest"
        return self.has(card) is False

    def fault_of(self, spec: JobSpec, card: ModelCard) -> AtelierError | None:
        """Return the first fault of the models that a job needs: one has no card, or no worker has it."""
        try:
            needed = cards_of(spec, card, self._catalog)
        except AtelierError as error:
            return error
        faults = (self.fault(card, pointer) for pointer, card in needed.items())
        return next(filter(None, faults), None)

    def fault(self, card: ModelCard, pointer: str = "/model") -> ModelUnavailable | None:
        """Return the fault of a job that needs an unavailable model; None if a worker has or may have it."""
        if not self._lacks(card):
            return None
        names = ", ".join(sorted(c.name for c in self._catalog if c.kind == card.kind and self.has(c)))
        error = ModelUnavailable.of_field(
            pointer,
            f"model {card.reference} is known, but no worker has its weights; {card.kind} models that are "
            f"there: {names or 'none'}; whoever runs the service adds it with "
            f"`atelier models pull {card.reference}`",
        )
        assert isinstance(error, ModelUnavailable)
        return error

    def faults_of(self, raw: object) -> list[AtelierError]:
        """Return the faults of the model that a request names, independent of its other faults."""
        if not isinstance(raw, Mapping):
            return []
        kind, name = raw.get("type"), raw.get("model")
        cards = [card for card in self._catalog.every() if card.kind == kind]
        named = [card for card in cards if card.reference == name or (name is None and card.default)]
        return [fault for card in named if (fault := self.fault(card))]


def notify(services: Services, job_id: str, lane: Lane) -> None:
    """Notify workers of a waiting job. Never raises: if it fails, the reaper notifies them later."""
    with _never_raising(job_id=job_id):
        services.queue.notify(job_id, lane)


def notify_for(services: Services, batch: Batch) -> None:
    """Notify workers of the waiting items of a batch. Never raises either."""
    with _never_raising(batch_id=batch.id):
        services.queue.notify_for(batch.counts["queued"], batch.id, batch.lane)


@contextmanager
def _never_raising(**whose: str) -> Iterator[None]:
    try:
        yield
    except StoreUnavailable as error:
        log.warning("doorbell failed", extra={**whose, "detail": error.whole})
