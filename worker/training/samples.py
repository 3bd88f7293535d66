"""Grids of pictures that show how far a run has come."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from worker.models.generation.dcgan import Weights, build_generator
from worker.models.generation.dcgan_architecture import Architecture
from worker.models.generation.latents import latent
from worker.training.data import to_levels

_ROWS = 10
_COLUMNS = 10  # at most one a class
_GAP = 2  # pixels between pictures


class SampleGrid:
    """Draws the same latents at every call: a column a class, a row a hand; without classes all differ."""

    def __init__(self, folder: Path, architecture: Architecture) -> None:
        self._folder = folder
        self._model = build_generator(architecture)
        self._columns = min(architecture.classes, _COLUMNS) or _COLUMNS
        cells = [(row, column) for row in range(_ROWS) for column in range(self._columns)]
        shape = architecture.latent
        self._latents = np.stack(
            [
                latent(shape, row, column, 1.0)
                if shape.classes
                else latent(shape, row * _COLUMNS + column, None, 1.0)
                for row, column in cells
            ]
        )

    def draw(self, weights: Weights, *, step: int) -> Path:
        """Write the grid of a generator's serving weights as PNG; return its path."""
        self._folder.mkdir(parents=True, exist_ok=True)
        self._model.set_weights(weights)
        levels = to_levels(np.asarray(self._model(self._latents)))
        path = self._folder / f"{step:08d}.png"
        Image.fromarray(arrange(levels, columns=self._columns)).save(path)
        return path


def arrange(pictures: NDArray[np.uint8], *, columns: int) -> NDArray[np.uint8]:
    """Lay pictures (n, h, w, channels) on a grey sheet, row by row; n is a multiple of `columns`.

    The sheet is (h, w) for one channel and (h, w, 3) for three.
    """
    framed = np.pad(pictures, ((0, 0), (0, _GAP), (0, _GAP), (0, 0)), constant_values=64)
    _, height, width, channels = framed.shape
    rows = framed.reshape(-1, columns, height, width, channels).swapaxes(1, 2)
    sheet = rows.reshape(-1, columns * width, channels)
    whole = np.pad(sheet, ((_GAP, 0), (_GAP, 0), (0, 0)), constant_values=64)
    return whole[..., 0] if channels == 1 else whole
