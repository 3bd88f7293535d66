"""The step that updates a stylizer: paint a batch, compare it with its photos and with the style."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from worker.models.nst.losses import (
    FeatureNetwork,
    color_gram,
    distance,
    from_place,
    gram,
    gram_distance,
    mean,
    variation,
)
from worker.models.nst.target import PLACES, LossWeights
from worker.training.checkpoint import Arrays
from worker.training.stylizer.config import PaintingLosses
from worker.training.stylizer.network import StylizerNetwork

Tensor = Any  # TensorFlow ships no types


class StylizerTrainer:
    """A network, its optimizer, and the losses of `nst-gatys`, by which it learns."""

    def __init__(
        self, network: StylizerNetwork, features: FeatureNetwork, grams: Sequence[Any], weights: LossWeights
    ) -> None:
        """`grams` are the style's: one matrix for the colors, then one a style layer of `features`."""
        self.network = network
        self._features, self._grams = features, [tf.constant(gram) for gram in grams]
        self._weights = tf.constant(weights.scaled())
        self._optimizer = keras.optimizers.Adam()
        self._optimizer.build(network.variables)
        self._step = tf.function(self._traced_step, autograph=False)

    def step(self, photos: NDArray[np.float32], *, rate: float, turn: int) -> PaintingLosses:
        """Update everything once by photos (n, h, w, 3) in 0..1; `turn` chooses one of PLACES."""
        self._optimizer.learning_rate.assign(rate)
        place = tf.constant(PLACES[turn % len(PLACES)], tf.int32)
        return _named(self._step(tf.constant(photos), place))

    def measure(self, photos: NDArray[np.float32], painted: NDArray[np.float32]) -> PaintingLosses:
        """Return the losses of pictures painted from photos, both (n, h, w, 3); nothing is updated."""
        place = tf.constant(PLACES[0], tf.int32)
        contents = self._features.of_batch(_moved(tf.constant(photos), place))[1]
        losses = self.losses(tf.constant(painted), contents, place)
        return _named(tf.concat([self._total(losses)[None], losses], 0))

    def state(self) -> Arrays:
        """Return a copy of everything that a step changes, in a fixed order."""
        return [np.array(variable.numpy()) for variable in self._variables()]

    def restore(self, state: Arrays) -> None:
        """Restore what `state` returned; raise ValueError where it does not fit."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        return [*self.network.variables, *self._optimizer.variables]

    def _traced_step(self, photos: Tensor, place: Tensor) -> Tensor:
        contents = self._features.of_batch(_moved(photos, place))[1]
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(self.network.variables)
            losses = self.losses(self.network(photos), contents, place)
            total = self._total(losses)
        gradients = tape.gradient(total, self.network.variables)
        self._optimizer.apply(gradients, self.network.variables)
        return tf.concat([total[None], losses], 0)

    def _total(self, losses: Tensor) -> Tensor:
        return tf.tensordot(self._weights, losses, 1)

    def losses(self, painted: Tensor, contents: Sequence[Tensor], place: Tensor) -> Tensor:
        """Return the losses of style, content and variation, (3,): means over pictures (n, h, w, 3)."""
        styles, seen = self._features.of_batch(_moved(painted, place))
        each = [
            [
                self._style_loss(picture, [layer[index] for layer in styles]),
                mean([distance(a[index], b[index]) for a, b in zip(seen, contents, strict=True)]),
                variation(picture),
            ]
            for index, picture in enumerate(tf.unstack(painted))
        ]
        return tf.reduce_mean(tf.stack(each), 0)

    def _style_loss(self, picture: Tensor, layers: Sequence[Tensor]) -> Tensor:
        found = [color_gram(picture), *(gram(layer) for layer in layers)]
        return mean([gram_distance(*pair) for pair in zip(found, self._grams, strict=True)])


def _named(measured: Tensor) -> PaintingLosses:
    return PaintingLosses(*(float(value) for value in measured.numpy()))


def _moved(pictures: Tensor, place: Tensor) -> Tensor:
    return tf.stack([from_place(picture, place) for picture in tf.unstack(pictures)])
