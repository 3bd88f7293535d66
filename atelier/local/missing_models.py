"""Which models an installation lacks before its workers start."""

from atelier.local.processes import wanted_models
from shared.cards.card import ModelCard
from shared.errors import ModelUnavailable
from shared.settings import Settings
from worker.models.prebuilt import prebuilt_store
from worker.models.store import ModelStore


def missing_models(settings: Settings) -> list[str]:
    """Return the names of the wanted models that the store lacks, or holds damaged.

    Those that were exported at the installation are copied first.
    """
    store = ModelStore(settings.models, prebuilt_store)
    return [card.name for card in wanted_models(settings) if not _is_there(store, card)]


def _is_there(store: ModelStore, card: ModelCard) -> bool:
    try:
        return store.adopt(card)
    except ModelUnavailable:  # a pull says why
        return False
