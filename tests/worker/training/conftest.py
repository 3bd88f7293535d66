"""Small training data: a file in the layout of MNIST, and folders of images."""

from pathlib import Path

import numpy as np
import pytest
from PIL import Image


@pytest.fixture
def mnist_file(tmp_path: Path) -> Path:
    chance = np.random.default_rng(2)
    path = tmp_path / "mnist.npz"
    images = chance.integers(0, 256, (40, 28, 28), np.uint8)
    labels = np.arange(40, dtype=np.uint8) % 10
    np.savez(path, x_train=images, y_train=labels, x_test=images[:0], y_test=labels[:0])
    return path


@pytest.fixture
def image_folder(tmp_path: Path) -> Path:
    """Three red cats, 40 x 30, and two blue dogs, 20 x 24, each in a folder of its own."""
    folder = tmp_path / "pets"
    for kind, count, size, color in (("cat", 3, (40, 30), (200, 0, 0)), ("dog", 2, (20, 24), (0, 0, 200))):
        (folder / kind).mkdir(parents=True)
        for number in range(count):
            Image.new("RGB", size, color).save(folder / kind / f"{number}.png")
        (folder / kind / "notes.txt").write_text("no picture")
    return folder
