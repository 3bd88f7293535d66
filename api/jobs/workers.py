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
        self._names: dict[Lane | None, frozenset[str] | None] = {}  # by lane; None: of all workers
        self._workers, self._is_newest = workers, workers is not None

    def has(self, card: ModelCard, lane: Lane | None = None) -> bool | None:
        """Whether a live worker, of those that serve a lane, has a model; None if unknown."""
        if lane not in self._names:
            if self._workers is None:
                self._workers = self._roster.recent()
            self._names[lane] = runnable_models(self._workers, lane)
        names = self._names[lane]
        return None if names is None else card.reference in names

    def _lacks(self, card: ModelCard, lane: Lane | None) -> bool:
        """Whether all live workers, by the newest roster, lack a model."""
        if self.has(card, lane) is False and not self._is_newest:
            self._names, self._workers, self._is_newest = {}, self._roster.live(), True
        return self.has(card, lane) is False

    def fault_of(self, spec: JobSpec, card: ModelCard, lane: Lane | None = None) -> AtelierError | None:
        """Return the first fault of the models that a job needs: one has no card, or no worker has it.

        `lane` is that of the job where its specification does not say it: an item's.
        """
        try:
            needed = cards_of(spec, card, self._catalog)
        except AtelierError as error:
            return error
        faults = (self.fault(card, pointer, lane or spec.lane) for pointer, card in needed.items())
        return next(filter(None, faults), None)

    def fault(
        self, card: ModelCard, pointer: str = "/model", lane: Lane | None = None
    ) -> ModelUnavailable | None:
        """Return the fault of a job that needs an unavailable model; None if a worker has or may have it."""
        if not self._lacks(card, lane):
            return None
        there = (c.name for c in self._catalog if c.kind == card.kind and self.has(c, lane))
        names, where = ", ".join(sorted(there)), f" of the lane {lane}" if lane and self.has(card) else ""
        error = ModelUnavailable.of_field(
            pointer,
            f"model {card.reference} is known, but no worker{where} has its weights; {card.kind} models "
            f"that are there: {names or 'none'}; the operator adds it with "
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
        lane = next((lane for lane in Lane if raw.get("lane", Lane.INTERACTIVE) == lane), None)
        return [fault for card in named if (fault := self.fault(card, lane=lane))]


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
