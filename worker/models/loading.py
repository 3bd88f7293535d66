"""Turns a card into a network ready to run, out of the model store; and what writes a builtin one."""

from collections.abc import Callable, Mapping
from importlib import import_module
from pathlib import Path
from typing import Protocol

from shared.cards.card import ModelCard, load_catalog
from shared.errors import ModelUnavailable
from worker.models.files.manifest import StoredModel
from worker.models.runtime import import_tensorflow
from worker.models.store import ModelStore

Builder = Callable[[Path], None]  # writes the model's files into an existing, empty folder
_OWN_WEIGHTS = ("builtin", "trained")  # sources of weights without a network; the others give SavedModels


def build(name: str, folder: Path) -> None:
    """Run the builder that a card names; ModelUnavailable when there is none of that name."""
    builder = BUILDERS.get(name)
    if builder is None:
        raise ModelUnavailable(f"no builder is named {name!r}; known: {', '.join(sorted(BUILDERS))}")
    builder(folder)


def _builder(module: str, function: str, *, uses_tensorflow: bool = True) -> Builder:
    """Return the function of a module below `worker.models`, which is imported when it is called."""

    def run(folder: Path) -> None:
        if uses_tensorflow:
            import_tensorflow()
        getattr(import_module(f"worker.models.{module}"), function)(folder)

    return run


BUILDERS: Mapping[str, Builder] = {
    "magenta-mobile": _builder("stylization.magenta_mobile", "build_magenta_mobile"),
    "mnist-dcgan": _builder("generation.dcgan", "build_mnist_dcgan", uses_tensorflow=False),
    "multistyle-26": _builder("stylization.multistyle", "build_multistyle"),
    "nst-mobilenetv2": _builder("nst.backbones", "build_mobilenet_features"),
    "nst-vgg19": _builder("nst.backbones", "build_vgg19_features"),
}


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

    A preferred model that is stored and damaged is chosen all the same, and never passed over in silence.
    """
    if card.prefers is None:
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
    from worker.models.image_to_image import ImageToImage

    return ImageToImage.load(card, stored.folder)


# What loads the models of each kind.
LOADERS: dict[str, Loader] = {
    "generate": _generator,
    "stylize": _stylizer,
    "transform": _image_to_image,
}
