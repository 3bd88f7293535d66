"""`old-photo`: against a second reading of its weights, and as a model of the store."""

from pathlib import Path

import numpy as np
import pytest
from numpy.lib.stride_tricks import sliding_window_view

from shared.cards.card import load_catalog
from shared.errors import ModelCorrupt, ModelUnavailable
from tests.support.images import pictures
from worker.models.files.manifest import make_manifest, write_manifest

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]

Tensors = dict[str, np.ndarray]


@pytest.fixture(scope="module")
def tensors() -> Tensors:
    from worker.models.old_photo.generator import wheel_weights
    from worker.models.old_photo.torch_file import read_tensors

    try:
        return read_tensors(wheel_weights())
    except ModelUnavailable:
        pytest.skip("needs the vintagify wheel: pip install --no-deps vintagify==0.1.2")


@pytest.fixture(scope="module")
def folder(tensors: Tensors, tmp_path_factory: pytest.TempPathFactory) -> Path:
    from worker.models.old_photo.generator import build_old_photo

    folder = tmp_path_factory.mktemp("old-photo")
    build_old_photo(folder)
    write_manifest(folder, make_manifest(load_catalog().get("old-photo"), folder, lambda _: None))
    return folder


def convolved(x: np.ndarray, tensors: Tensors, name: str, stride: int = 1) -> np.ndarray:
    kernel = tensors[f"{name}.weight"].astype(np.float64)
    windows = sliding_window_view(x, kernel.shape[2:], (1, 2))[:, ::stride, ::stride]
    bias = tensors[f"{name}.bias"][:, None, None]
    return np.einsum("ihwyx,oiyx->ohw", windows, kernel, optimize=True) + bias


def transposed(x: np.ndarray, tensors: Tensors, name: str) -> np.ndarray:
    """Spread each pixel over a 3 x 3 square of the doubled picture, as PyTorch documents it."""
    kernel = tensors[f"{name}.weight"].astype(np.float64)
    _, height, width = x.shape
    spread = np.zeros((kernel.shape[1], 2 * height + 2, 2 * width + 2))
    for row, column in np.ndindex(3, 3):
        part = np.einsum("ihw,io->ohw", x, kernel[:, :, row, column])
        spread[:, row : row + 2 * height : 2, column : column + 2 * width : 2] += part
    return spread[:, 1:-1, 1:-1] + tensors[f"{name}.bias"][:, None, None]


def normed(x: np.ndarray, tensors: Tensors, name: str) -> np.ndarray:
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    scale, shift = (tensors[f"{name}.{part}"][:, None, None] for part in ("weight", "bias"))
    return (x - mean) / np.sqrt(variance + 1e-5) * scale + shift


def reference(picture: np.ndarray, tensors: Tensors) -> np.ndarray:
    """Run the generator as its own source reads, layer by layer."""

    def relu(x: np.ndarray) -> np.ndarray:
        return np.maximum(x, 0)

    def around(x: np.ndarray, size: int, mode: str = "reflect") -> np.ndarray:
        return np.pad(x, [(0, 0), (size, size), (size, size)], mode=mode)  # type: ignore[call-overload,no-any-return]

    x = picture.transpose(2, 0, 1) * 2.0 - 1
    x = relu(normed(convolved(around(x, 3), tensors, "model.1"), tensors, "model.2"))
    for number in (4, 7):
        inner = convolved(around(x, 1, "constant"), tensors, f"model.{number}", 2)
        x = relu(normed(inner, tensors, f"model.{number + 1}"))
    for number in range(10, 19):
        name = f"model.{number}.block"
        inner = relu(normed(convolved(around(x, 1), tensors, f"{name}.1"), tensors, f"{name}.2"))
        x = x + normed(convolved(around(inner, 1), tensors, f"{name}.5"), tensors, f"{name}.6")
    for number in (19, 22):
        x = relu(normed(transposed(x, tensors, f"model.{number}"), tensors, f"model.{number + 1}"))
    x = np.tanh(convolved(around(x, 3), tensors, "model.26"))
    return (x.transpose(1, 2, 0) + 1) / 2


def test_the_network_makes_what_its_source_says(folder: Path, tensors: Tensors) -> None:
    from worker.models.image_to_image import ImageToImage

    picture = pictures.gradient(28, 24)
    made = ImageToImage.load(load_catalog().get("old-photo"), folder).apply(picture, lambda step, total: None)
    expected = np.rint(reference(picture / 255, tensors) * 255)
    assert made.shape == (24, 28, 3)
    assert np.abs(made.astype(int) - expected).max() <= 1


def test_every_side_is_taken(folder: Path) -> None:
    from worker.models.image_to_image import ImageToImage

    network = ImageToImage.load(load_catalog().get("old-photo"), folder)
    for width, height in ((16, 17), (19, 16), (33, 50)):
        assert network.transform(np.full((height, width, 3), 0.5, np.float32)).shape == (height, width, 3)


@pytest.mark.parametrize("change", ["absent", "other shape", "left over"])
def test_other_weights_are_refused(tensors: Tensors, change: str) -> None:
    from worker.models.old_photo.generator import build_generator

    other = dict(tensors)
    if change == "absent":
        del other["model.26.bias"]
    elif change == "other shape":
        other["model.1.weight"] = other["model.1.weight"][:, :, :5, :5]
    else:
        other["model.27.weight"] = other["model.26.weight"]
    with pytest.raises(ModelCorrupt, match="is not the known network"):
        build_generator(other)


def test_without_the_wheel_it_says_what_to_run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from worker.models.old_photo import generator

    monkeypatch.setattr(generator, "_PACKAGE", "no_such_package_anywhere")
    with pytest.raises(ModelUnavailable, match="pip install --no-deps vintagify"):
        generator.build_old_photo(tmp_path)
