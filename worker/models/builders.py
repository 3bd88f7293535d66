"""The builtin models: which function writes the files of each, with no network."""

from collections.abc import Callable, Mapping
from pathlib import Path

from shared.errors import ModelUnavailable

Builder = Callable[[Path], None]  # writes the model's files into an existing, empty folder


def build(name: str, folder: Path) -> None:
    """Run the builder that a card names; ModelUnavailable when there is none of that name."""
    builder = BUILDERS.get(name)
    if builder is None:
        raise ModelUnavailable(f"no builder is named {name!r}; known: {', '.join(sorted(BUILDERS))}")
    builder(folder)


def _build_magenta_mobile(folder: Path) -> None:
    from worker.models.magenta_mobile import build_magenta_mobile

    build_magenta_mobile(folder)


def _build_multistyle(folder: Path) -> None:
    from worker.models.multistyle import build_multistyle

    build_multistyle(folder)


def _build_mnist_dcgan(folder: Path) -> None:
    from worker.models.dcgan import build_mnist_dcgan

    build_mnist_dcgan(folder)


BUILDERS: Mapping[str, Builder] = {
    "magenta-mobile": _build_magenta_mobile,
    "mnist-dcgan": _build_mnist_dcgan,
    "multistyle-26": _build_multistyle,
}
