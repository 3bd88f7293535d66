"""Turns a card into a network ready to run, out of the model store."""

from collections.abc import Callable
from typing import Protocol

from shared.cards.card import ModelCard, load_catalog
from worker.models.enlarging.weights import WEIGHTS_FILE
from worker.models.files.manifest import StoredModel
from worker.models.store import ModelStore

_OWN_WEIGHTS = ("builtin", "trained")  # sources of weights without a network; the others give SavedModels


class Model(Protocol):
    """A loaded network. The kind of its jobs knows what else it does."""

    @property
    def card(self) -> ModelCard:
        """The card by which it was loaded."""

    @property
    def digest(self) -> str:
        """Names the exact weights."""

    def warm_up(self) -> None:
        """Run once, so that the first job does not pay for TensorFlow's first call."""


Loader = Callable[[ModelCard, StoredModel], Model]  # of a card and its checked files


def load_model(card: ModelCard, store: ModelStore) -> Model:
    """Load a model, its files checked first; ModelUnavailable or ModelCorrupt says what to run.

    Where the store holds the model that the card prefers, it is that one under the card's name, and the
    loaded card has that one's version. Neither warms it up nor configures TensorFlow:
    `runtime.configure_tensorflow` comes first, once a process.
    """
    chosen = choose(card, store)
    stored = store.open(chosen)
    return LOADERS[card.kind](card.model_copy(update={"version": chosen.version}), stored)


def choose(card: ModelCard, store: ModelStore) -> ModelCard:
    """Return the card whose files are loaded: the preferred one's where the store holds it, else this one's.

    A preferred model that is stored and damaged is chosen all the same, and never passed over in silence. Who
    names the version of a model gets this one.
    """
    if card.prefers is None or card.is_pinned:
        return card
    preferred = load_catalog().get(card.prefers, card.kind)
    return preferred if store.find(preferred) is not None else card


def _generator(card: ModelCard, stored: StoredModel) -> Model:
    if card.source.type not in _OWN_WEIGHTS:
        from worker.models.generation.savedmodel_generator import HubGenerator

        return HubGenerator.load(card, stored.folder)
    from worker.models.generation.generator import Generator

    return Generator.load(card, stored.folder, digest=stored.manifest.digest)


def _stylizer(card: ModelCard, stored: StoredModel) -> Model:
    if card.optimizes:
        from worker.models.nst.style_optimizer import StyleOptimizer

        return StyleOptimizer.load(card, stored.folder)
    from worker.models.stylization.stylizer import Stylizer

    return Stylizer.load(card, stored.folder)


def _image_to_image(card: ModelCard, stored: StoredModel) -> Model:
    if (stored.folder / WEIGHTS_FILE).is_file():
        from worker.models.enlarging.enlarger import Enlarger

        return Enlarger.load(card, stored.folder)
    from worker.models.image_to_image import ImageToImage

    return ImageToImage.load(card, stored.folder)


# What loads the models of each kind.
LOADERS: dict[str, Loader] = {
    "generate": _generator,
    "stylize": _stylizer,
    "transform": _image_to_image,
}
