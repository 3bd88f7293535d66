"""How good a generator is in the middle of training, without a network trained for the judgement."""

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from worker.models.generation.dcgan import Weights, build_generator
from worker.models.generation.dcgan_architecture import Architecture
from worker.training.data import Pictures, to_levels, to_signed
from worker.training.frechet import Cloud, frechet_distance
from worker.training.train_step import draw_latents

_REAL = 2000  # pictures to compare with
_MADE = 1000
_AT_ONCE = 100  # pictures in one call; both are multiples of it
_FILTERS = (32, 64, 64)
_CELLS = 2  # the last map is averaged over this many rows and columns


class QualityCheck:
    """Compares made with real pictures by the features of a fixed random convolutional network.

    The figure is the Fréchet distance of the features, each scaled to the spread it has in the data, divided
    by their number: 0 is as good as the data; other sets of pictures have other scales. Random features
    tell better from worse within a run (compare Naeem et al., arXiv:2002.09797).
    """

    def __init__(self, pictures: Pictures, architecture: Architecture, seed: int) -> None:
        chance = np.random.default_rng([seed, _REAL, _MADE])
        self._kernels = _kernels(architecture.channels, chance)
        self._generator = build_generator(architecture)
        count = len(pictures.images)
        chosen = chance.choice(count, min(_REAL, count), replace=False)
        real = self._features(pictures.images[np.sort(chosen)])
        self._center, self._spread = real.mean(axis=0), real.std(axis=0) + 1e-6
        self._real = Cloud.of(self._scaled(real))
        labels = pictures.labels[chance.choice(count, _MADE)].astype(np.int32)
        self._latents = draw_latents(labels, architecture.classes, seed=seed, step=0)

    def of(self, weights: Weights) -> float:
        """Measure a generator by its serving weights; the same latents every time."""
        self._generator.set_weights(weights)
        starts = range(0, _MADE, _AT_ONCE)
        made = [self._generator(self._latents[start : start + _AT_ONCE]).numpy() for start in starts]
        features = self._features(to_levels(np.concatenate(made)))
        distance = frechet_distance(Cloud.of(self._scaled(features)), self._real)
        return distance / len(self._center)

    def _scaled(self, features: NDArray[np.float32]) -> NDArray[np.float32]:
        scaled: NDArray[np.float32] = (features - self._center) / self._spread
        return scaled

    def _features(self, images: NDArray[np.uint8]) -> NDArray[np.float32]:
        starts = range(0, len(images), _AT_ONCE)
        parts = [self._look(to_signed(images[start : start + _AT_ONCE])) for start in starts]
        return np.concatenate(parts)

    def _look(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        for kernel in self._kernels:
            values = tf.nn.leaky_relu(tf.nn.conv2d(values, kernel, 2, "SAME"), 0.2)
        parts = [tf.reduce_mean(cell, (1, 2)) for row in _split(values, 1) for cell in _split(row, 2)]
        seen: NDArray[np.float32] = np.concatenate(parts, axis=1)
        return seen


def _split(values: tf.Tensor, axis: int) -> list[tf.Tensor]:
    half = values.shape[axis] // _CELLS
    sizes = [half] * (_CELLS - 1) + [values.shape[axis] - half * (_CELLS - 1)]
    return list(tf.split(values, sizes, axis))


def _kernels(channels: int, chance: np.random.Generator) -> list[NDArray[np.float32]]:
    kernels, before = [], channels
    for filters in _FILTERS:
        scale = np.float32(np.sqrt(2 / (25 * before)))
        kernels.append(chance.standard_normal((5, 5, before, filters), np.float32) * scale)
        before = filters
    return kernels
