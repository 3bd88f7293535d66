"""Turns a card into a network ready to run, out of the model store."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.cards.card import ModelCard, load_catalog
from worker.models.store import ModelStore

if TYPE_CHECKING:
    from worker.models.generation.generator import Generator
    from worker.models.generation.savedmodel_generator import HubGenerator
    from worker.models.image_to_image import ImageToImage
    from worker.models.nst.style_optimizer import StyleOptimizer
    from worker.models.stylization.stylizer import Stylizer

_OWN_WEIGHTS = ("builtin", "trained")  # sources of weights without a network; the others give SavedModels


def load_model(
    card: ModelCard, store: ModelStore
) -> Generator | HubGenerator | Stylizer | StyleOptimizer | ImageToImage:
    """Load a model, its files checked first; ModelUnavailable or ModelCorrupt says what to run.

    Where the store holds the model that the card prefers, it is that one under the card's name, and the
    loaded card's version says so. Neither warms it up nor configures TensorFlow:
    `runtime.configure_tensorflow` comes first, once a process.
    """
    chosen = choose(card, store)
    stored = store.open(chosen)
    card = card.model_copy(update={"version": chosen.version})
    if card.kind == "generate" and card.source.type not in _OWN_WEIGHTS:
        from worker.models.generation.savedmodel_generator import HubGenerator

        return HubGenerator.load(card, stored.folder)
    if card.kind == "generate":
        from worker.models.generation.generator import Generator

        return Generator.load(card, stored.folder, digest=stored.manifest.digest)
    if card.kind == "transform":
        from worker.models.image_to_image import ImageToImage

        return ImageToImage.load(card, stored.folder)
    if card.optimizes:
        from worker.models.nst.style_optimizer import StyleOptimizer

        return StyleOptimizer.load(card, stored.folder)
    from worker.models.stylization.stylizer import Stylizer

    return Stylizer.load(card, stored.folder)


def choose(card: ModelCard, store: ModelStore) -> ModelCard:
    """Return the card whose files are loaded: the preferred one's where the store holds it, else this one's.

    A preferred model that is stored and damaged is chosen all the same, and never passed over in silence.
    """
    if card.prefers is None:
        return card
    preferred = load_catalog().get(card.prefers, card.kind)
    return preferred if store.find(preferred) is not None else card
