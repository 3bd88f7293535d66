"""Grids of pictures that show how far a run has come."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from shared.cards import Latent
from worker.latents import latent
from worker.models.dcgan import LATENT_SIZE, Weights, build_generator
from worker.training.data import CLASSES

_ROWS = 10
_GAP = 2  # pixels between pictures


class SampleGrid:
    """Draws the same latents at every call: a column a digit, a row a hand."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._model = build_generator()
        shape = Latent(normals=LATENT_SIZE - CLASSES, classes=CLASSES)
        cells = [(row, digit) for row in range(_ROWS) for digit in range(CLASSES)]
        self._latents = np.stack([latent(shape, row, digit, 1.0) for row, digit in cells])

    def draw(self, weights: Weights, *, step: int) -> Path:
        """Write the grid of a generator's serving weights as PNG; return its path."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._model.set_weights(weights)
        values = np.asarray(self._model(self._latents))
        levels = np.rint(values * 127.5 + 127.5).astype(np.uint8)
        path = self._folder / f"{step:08d}.png"
        Image.fromarray(arrange(levels, columns=CLASSES)).save(path)
        return path


def arrange(pictures: NDArray[np.uint8], *, columns: int) -> NDArray[np.uint8]:
    """Lay pictures (n, h, w, 1) on a grey sheet, row by row; n is a multiple of `columns`."""
    framed = np.pad(pictures[..., 0], ((0, 0), (0, _GAP), (0, _GAP)), constant_values=64)
    _, height, width = framed.shape
    sheet = framed.reshape(-1, columns, height, width).swapaxes(1, 2).reshape(-1, columns * width)
    return np.pad(sheet, ((_GAP, 0), (_GAP, 0)), constant_values=64)
