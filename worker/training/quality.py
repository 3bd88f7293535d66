"""How good a generator is during its training: a distance to the data, and grids of pictures to look at."""

from pathlib import Path

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray
from PIL import Image

from worker.codec.pixels import contact_sheet
from worker.models.generation.dcgan import Architecture
from worker.models.generation.generator import Weights, build_generator
from worker.models.generation.latents import latent
from worker.training.data import Pictures, to_levels, to_signed
from worker.training.metrics import Gaussian, frechet_distance
from worker.training.train_step import draw_latents

_REAL = 2000  # pictures to compare with
_MADE = 1000
_AT_ONCE = 100  # pictures in one call; both are multiples of it
_FILTERS = (32, 64, 64)
_CELLS = 2  # the last map is averaged over this many rows and columns
_ROWS = 10  # of a grid of samples
_COLUMNS = 10  # at most one a class
_GAP = 2  # pixels between pictures and around them
_GREY = 64  # level of the ground


class QualityCheck:
    """Compares generated with real pictures by the features of a fixed random convolutional network.

    The quality is the Fréchet distance of the features, each scaled by its deviation in the data, divided by
    their number: 0 is as good as the data; other sets of pictures have other scales. Random features suffice
    to compare generators within a run (see Naeem et al., arXiv:2002.09797).
    """

    def __init__(self, pictures: Pictures, architecture: Architecture, seed: int) -> None:
        random = np.random.default_rng([seed, _REAL, _MADE])
        self._kernels = _kernels(architecture.channels, random)
        self._generator = build_generator(architecture)
        count = len(pictures.images)
        chosen = random.choice(count, min(_REAL, count), replace=False)
        real = self._features(pictures.images[np.sort(chosen)])
        self._center, self._spread = real.mean(axis=0), real.std(axis=0) + 1e-6
        self._real = Gaussian.of(self._scaled(real))
        labels = pictures.labels[random.choice(count, _MADE)].astype(np.int32)
        self._latents = draw_latents(labels, architecture.classes, seed=seed, step=0)

    def of(self, weights: Weights) -> float:
        """Measure a generator by its serving weights; the same latents every time."""
        self._generator.set_weights(weights)
        starts = range(0, _MADE, _AT_ONCE)
        made = [self._generator(self._latents[start : start + _AT_ONCE]).numpy() for start in starts]
        features = self._features(to_levels(np.concatenate(made)))
        distance = frechet_distance(Gaussian.of(self._scaled(features)), self._real)
        return distance / len(self._center)

    def _scaled(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = (features - self._center) / self._spread
        return scaled

    def _features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        starts = range(0, len(images), _AT_ONCE)
        parts = [self._measure(to_signed(images[start : start + _AT_ONCE])) for start in starts]
        return np.concatenate(parts)

    def _measure(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        for kernel in self._kernels:
            values = tf.nn.leaky_relu(tf.nn.conv2d(values, kernel, 2, "SAME"), 0.2)
        parts = [tf.reduce_mean(cell, (1, 2)) for row in _split(values, 1) for cell in _split(row, 2)]
        seen: NDArray[np.float32] = np.concatenate(parts, axis=1)
        return seen


def _split(values: tf.Tensor, axis: int) -> list[tf.Tensor]:
    half = values.shape[axis] // _CELLS
    sizes = [half] * (_CELLS - 1) + [values.shape[axis] - half * (_CELLS - 1)]
    return list(tf.split(values, sizes, axis))


def _kernels(channels: int, random: np.random.Generator) -> list[NDArray[np.float32]]:
    kernels, before = [], channels
    for filters in _FILTERS:
        scale = np.float32(np.sqrt(2 / (25 * before)))
        kernels.append(random.standard_normal((5, 5, before, filters), np.float32) * scale)
        before = filters
    return kernels


class SampleGrid:
    """Draws the same latents each time: a column a class, a row a handwriting; without classes all differ."""

    def __init__(self, folder: Path, architecture: Architecture) -> None:
        self._folder = folder
        self._model = build_generator(architecture)
        self._columns = min(architecture.classes, _COLUMNS) or _COLUMNS
        shape, columns = architecture.latent, range(self._columns)
        if shape.classes:
            latents = [latent(shape, row, column, 1.0) for row in range(_ROWS) for column in columns]
        else:
            latents = [latent(shape, seed, None, 1.0) for seed in range(_ROWS * _COLUMNS)]
        self._latents = np.stack(latents)

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
    sheet = contact_sheet(list(pictures), columns, gap=_GAP, background=_GREY)
    framed = np.pad(sheet, ((_GAP, _GAP), (_GAP, _GAP), (0, 0)), constant_values=_GREY)
    return framed[..., 0] if framed.shape[2] == 1 else framed
