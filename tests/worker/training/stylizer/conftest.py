"""A style, a folder of small photos, and a store that builds a tiny network of features."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.support.images.float_pictures import photo
from worker.models.store import ModelStore
from worker.training.stylizer.config import StylizerConfig


def save(path: Path, name: str, height: int, width: int) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.uint8(photo(name, height, width) * 255)).save(path)
    return path


def make_photos(folder: Path) -> Path:
    for name, height, width in (("astronaut", 64, 80), ("chelsea", 96, 70), ("deep/rocket", 64, 64)):
        save(folder / f"{name}.png", name.rpartition("/")[2], height, width)
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    return make_photos(tmp_path / "photos")


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> StylizerConfig:
    folder = tmp_path_factory.mktemp("stylizer")
    return StylizerConfig(
        style=save(folder / "Great Wave.png", "coffee", 90, 120),
        photos=make_photos(folder / "photos"),
        out=folder / "run",
        steps=4,
        batch_size=2,
        size=64,
        width=4,
        seed=7,
        checkpoint_every=2,
        sample_every=3,
        metrics_every=1,
    )


@pytest.fixture(scope="module")
def model_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelStore]:
    """A store in which the bundled network of features is a tiny one."""
    from tests.worker.training.stylizer.features import save_features
    from worker.models import builders

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builders, "BUILDERS", {**builders.BUILDERS, "nst-mobilenetv2": save_features})
        yield ModelStore(tmp_path_factory.mktemp("models"))
