"""Which version of its model a job gets that names none: the current one, or a share of them a new one."""

import secrets

from api.jobs.workers import AvailableModels
from api.requests.field_errors import CheckedSpec
from api.services import Services
from shared.cards.card import ModelCard
from shared.errors import UnknownModel
from shared.rollouts.choice import gets_new
from shared.rollouts.store import Rollout
from shared.specs.parts import Lane
from shared.specs.spec import JobSpec


class Versions:
    """The rollouts as they are for the jobs of one request."""

    def __init__(self, services: Services) -> None:
        self._catalog = services.catalog
        self._models = AvailableModels(services)
        self._rollouts = services.rollouts.recent()

    def card_of(self, spec: JobSpec, card: ModelCard, salt: str = "", lane: Lane | None = None) -> ModelCard:
        """Return the card by which a job runs; `card` is what it asked for, and stays if that is a version.

        `salt` tells jobs apart that draw their seeds; without it, chance does. `lane` is that of the
        job where its specification does not say it: an item's.
        """
        rollout = None if card.is_pinned else self._rollouts.get(card.name)
        if rollout is None:
            return card
        wanted, new = [card.pinned()], self._new(rollout, card)
        if new is not None and gets_new(rollout, spec, salt or secrets.token_hex(8)):
            wanted = wanted if list(spec.range_faults(new)) else [new, *wanted]
        # A rollout turns nobody away: what no live worker of its lane has is not chosen.
        lane = lane or spec.lane
        return next((each for each in wanted if self._models.has(each, lane) is not False), card)

    def _new(self, rollout: Rollout, card: ModelCard) -> ModelCard | None:
        try:
            return self._catalog.get(rollout.reference, card.kind)
        except UnknownModel:  # its card is gone, or at fault
            return None

    def chosen(self, asked: CheckedSpec, salt: str = "") -> CheckedSpec:
        """Return a checked job with the card by which it runs."""
        return asked._replace(card=self.card_of(asked.spec, asked.card, salt))
