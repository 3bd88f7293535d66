"""A style, a folder of small photos, and a store that builds a tiny network of features."""

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


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    folder = tmp_path / "photos"
    for name, height, width in (("astronaut", 64, 80), ("chelsea", 96, 70), ("deep/rocket", 64, 64)):
        save(folder / f"{name}.png", name.rpartition("/")[2], height, width)
    (folder / "notes.txt").write_text("no picture")
    return folder


@pytest.fixture
def config(photos: Path, tmp_path: Path) -> StylizerConfig:
    return StylizerConfig(
        style=save(tmp_path / "Great Wave.png", "coffee", 90, 120),
        photos=photos,
        out=tmp_path / "run",
        steps=5,
        batch_size=2,
        size=64,
        width=4,
        seed=7,
        checkpoint_every=2,
        sample_every=3,
        metrics_every=1,
    )


@pytest.fixture
def model_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelStore:
    """A store in which the bundled network of features is a tiny one."""
    from tests.worker.training.stylizer.features import save_features
    from worker.models import builders

    monkeypatch.setattr(builders, "BUILDERS", {**builders.BUILDERS, "nst-mobilenetv2": save_features})
    return ModelStore(tmp_path / "models")
