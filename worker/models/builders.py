"""The builtin models: which function writes the files of each. All but VGG-19 need no network."""

from collections.abc import Callable, Mapping
from pathlib import Path

from shared.errors import ModelUnavailable
from worker.models.runtime import import_tensorflow

Builder = Callable[[Path], None]  # writes the model's files into an existing, empty folder


def build(name: str, folder: Path) -> None:
    """Run the builder that a card names; ModelUnavailable when there is none of that name."""
    builder = BUILDERS.get(name)
    if builder is None:
        raise ModelUnavailable(f"no builder is named {name!r}; known: {', '.join(sorted(BUILDERS))}")
    builder(folder)


def _build_magenta_mobile(folder: Path) -> None:
    import_tensorflow()
    from worker.models.stylization.magenta_mobile import build_magenta_mobile

    build_magenta_mobile(folder)


def _build_multistyle(folder: Path) -> None:
    import_tensorflow()
    from worker.models.stylization.multistyle import build_multistyle

    build_multistyle(folder)


def _build_mnist_dcgan(folder: Path) -> None:
    from worker.models.generation.dcgan import build_mnist_dcgan

    build_mnist_dcgan(folder)


def _build_nst_mobilenetv2(folder: Path) -> None:
    import_tensorflow()
    from worker.models.nst.backbones import build_mobilenet_features

    build_mobilenet_features(folder)


def _build_nst_vgg19(folder: Path) -> None:
    import_tensorflow()
    from worker.models.nst.backbones import build_vgg19_features

    build_vgg19_features(folder)


BUILDERS: Mapping[str, Builder] = {
    "magenta-mobile": _build_magenta_mobile,
    "mnist-dcgan": _build_mnist_dcgan,
    "multistyle-26": _build_multistyle,
    "nst-mobilenetv2": _build_nst_mobilenetv2,
    "nst-vgg19": _build_nst_vgg19,
}
