"""A small data file in the layout of MNIST."""

from pathlib import Path

import numpy as np
import pytest


@pytest.fixture
def mnist_file(tmp_path: Path) -> Path:
    chance = np.random.default_rng(2)
    path = tmp_path / "mnist.npz"
    images = chance.integers(0, 256, (40, 28, 28), np.uint8)
    labels = np.arange(40, dtype=np.uint8) % 10
    np.savez(path, x_train=images, y_train=labels, x_test=images[:0], y_test=labels[:0])
    return path
