"""Turns a card into a network ready to run, out of the model store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.cards import ModelCard
from worker.models.store import ModelStore

if TYPE_CHECKING:
    from worker.models.generator import Generator
    from worker.models.hub_generator import HubGenerator
    from worker.models.stylizer import Stylizer

_OWN_WEIGHTS = ("builtin", "trained")  # sources of weights without a network; the others give SavedModels


def load_model(card: ModelCard, store: ModelStore) -> Generator | HubGenerator | Stylizer:
    """Load a model, its files checked first; ModelUnavailable or ModelCorrupt says what to run.

    Neither warms it up nor configures TensorFlow: `runtime.configure_tensorflow` comes first, once a process.
    """
    stored = store.open(card)
    if card.kind == "generate" and card.source.type not in _OWN_WEIGHTS:
        from worker.models.hub_generator import HubGenerator

        return HubGenerator.load(card, stored.folder)
    if card.kind == "generate":
        from worker.models.generator import Generator

        return Generator.load(card, stored.folder)
    from worker.models.stylizer import Stylizer

    return Stylizer.load(card, stored.folder)
