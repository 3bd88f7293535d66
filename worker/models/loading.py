"""Turns a card into a network ready to run, out of the model store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.cards import ModelCard, load_catalog
from worker.models.store import ModelStore, StoredModel

if TYPE_CHECKING:
    from worker.models.generator import Generator
    from worker.models.hub_generator import HubGenerator
    from worker.models.nst import StyleOptimizer
    from worker.models.stylizer import Stylizer
    from worker.models.transformer import Transformer

_OWN_WEIGHTS = ("builtin", "trained")  # sources of weights without a network; the others give SavedModels


def load_model(
    card: ModelCard, store: ModelStore
) -> Generator | HubGenerator | Stylizer | StyleOptimizer | Transformer:
    """Load a model, its files checked first; ModelUnavailable or ModelCorrupt says what to run.

    Where the store holds the model that the card prefers, it is that one under the card's name, and the
    loaded card's version says so. Neither warms it up nor configures TensorFlow:
    `runtime.configure_tensorflow` comes first, once a process.
    """
    card, stored = _choose(card, store)
    if card.kind == "generate" and card.source.type not in _OWN_WEIGHTS:
        from worker.models.hub_generator import HubGenerator

        return HubGenerator.load(card, stored.folder)
    if card.kind == "generate":
        from worker.models.generator import Generator

        return Generator.load(card, stored.folder)
    if card.kind == "transform":
        from worker.models.transformer import Transformer

        return Transformer.load(card, stored.folder)
    if card.optimizes:
        from worker.models.nst import StyleOptimizer

        return StyleOptimizer.load(card, stored.folder)
    from worker.models.stylizer import Stylizer

    return Stylizer.load(card, stored.folder)


def _choose(card: ModelCard, store: ModelStore) -> tuple[ModelCard, StoredModel]:
    """Return the card, as it is loaded, and the files; a damaged preferred model is never passed over."""
    if card.prefers is not None:
        preferred = load_catalog().get(card.prefers, card.kind)
        if store.find(preferred) is not None:
            return card.model_copy(update={"version": preferred.version}), store.open(preferred)
    return card, store.open(card)
