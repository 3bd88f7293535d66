"""The builtin models: which function writes the files of each. All but VGG-19 need no network."""

from collections.abc import Callable, Mapping
from importlib import import_module
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


def _builder(module: str, function: str, *, uses_tensorflow: bool = True) -> Builder:
    """Return the function of a module below `worker.models`, which is imported when it is called."""

    def run(folder: Path) -> None:
        if uses_tensorflow:
            import_tensorflow()
        getattr(import_module(f"worker.models.{module}"), function)(folder)

    return run


BUILDERS: Mapping[str, Builder] = {
    "magenta-mobile": _builder("stylization.magenta_mobile", "build_magenta_mobile"),
    "enlarge-compact": _builder("enlarging.weights", "build_compact", uses_tensorflow=False),
    "enlarge-deep": _builder("enlarging.weights", "build_deep", uses_tensorflow=False),
    "mnist-dcgan": _builder("generation.dcgan", "build_mnist_dcgan", uses_tensorflow=False),
    "multistyle-26": _builder("stylization.multistyle", "build_multistyle"),
    "nst-mobilenetv2": _builder("nst.backbones", "build_mobilenet_features"),
    "old-photo": _builder("old_photo.generator", "build_old_photo"),
    "nst-vgg19": _builder("nst.backbones", "build_vgg19_features"),
}
