"""A digit classifier, trained here, whose predictions and features measure the generator."""

from dataclasses import dataclass
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray
from rich.progress import track

from atelier.display.progress_bar import stderr_console
from worker.training.data import Pictures, batches

RECIPE = 1  # count up when anything below changes, so that no classifier of an old recipe is used
EPOCHS = 6
BATCH = 128
SHIFT = 2  # pixels, in each direction
PEAK_RATE = 2e-3
WARM_UP = 0.2  # share of the steps in which the rate rises
SEED = 7
READ_AT_ONCE = 500  # pictures


@dataclass(frozen=True, slots=True)
class Prediction:
    """The classifier's output for n pictures."""

    features: NDArray[np.float32]  # (n, 128): the layer before the last, after its ReLU
    probabilities: NDArray[np.float32]  # (n, 10)


class DigitClassifier:
    """Four convolutions and two dense layers, on pictures (n, 28, 28) of 0 to 255."""

    def __init__(self) -> None:
        self._body = _body()
        self._head = keras.Sequential([keras.Input((128,)), layers.Dropout(0.3), layers.Dense(10)])
        self._predict = tf.function(self._traced_predict)

    def train(self, digits: Pictures) -> None:
        """Train on a fixed schedule with shifted pictures; the terminal shows a progress bar."""
        optimizer = keras.optimizers.Adam()
        variables = [*self._body.trainable_variables, *self._head.trainable_variables]
        optimizer.build(variables)
        step = tf.function(lambda *batch: self._traced_step(optimizer, variables, *batch), jit_compile=True)
        steps = EPOCHS * (len(digits.images) // BATCH)
        numbers = track(range(steps), "training the classifier", console=stderr_console())
        for number, batch in zip(numbers, batches(digits, size=BATCH, seed=SEED, start=0), strict=False):
            optimizer.learning_rate.assign(_rate(number / steps))
            step(tf.constant(shifted(batch.images, number)), tf.constant(batch.labels))

    def predict(self, images: NDArray[np.uint8]) -> Prediction:
        """Return features and class probabilities of pictures (n, 28, 28)."""
        starts = range(0, len(images), READ_AT_ONCE)
        parts = [self._predict(images[start : start + READ_AT_ONCE]) for start in starts]
        features, probabilities = zip(*parts, strict=True)
        return Prediction(np.concatenate(features), np.concatenate(probabilities))

    def save(self, path: Path) -> None:
        """Write the weights as .npz."""
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        with partial.open("wb") as file:
            np.savez(file, *self._body.get_weights(), *self._head.get_weights())
        partial.replace(path)

    def load(self, path: Path) -> None:
        """Read weights that `save` wrote."""
        with np.load(path, allow_pickle=False) as saved:
            weights = [saved[name] for name in saved.files]
        count = len(self._body.weights)
        self._body.set_weights(weights[:count])
        self._head.set_weights(weights[count : count + 2])

    def _traced_predict(self, images: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        features = self._body(tf.cast(images[..., None], tf.float32) / 127.5 - 1, training=False)
        return features, tf.nn.softmax(self._head(features, training=False))

    def _traced_step(self, optimizer, variables, images, labels) -> None:  # type: ignore[no-untyped-def]
        with tf.GradientTape() as tape:
            logits = self._head(self._body(images, training=True), training=True)
            losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels, logits)
            loss = tf.reduce_mean(losses)
        optimizer.apply(tape.gradient(loss, variables), variables)


def classifier_for(digits: Pictures, folder: Path) -> DigitClassifier:
    """Return a classifier trained on these digits: the one that an earlier run saved, if there is one."""
    keras.utils.set_random_seed(SEED)
    classifier = DigitClassifier()
    path = folder / f"digit-classifier-{RECIPE}-{digits.digest[:16]}.npz"
    if path.exists():
        classifier.load(path)
    else:
        classifier.train(digits)
        classifier.save(path)
    return classifier


def shifted(images: NDArray[np.float32], seed: int) -> NDArray[np.float32]:
    """Move each picture (n, h, w, 1) by up to SHIFT pixels in both directions over black."""
    count, height, width, _ = images.shape
    down, right = np.random.default_rng([SEED, seed]).integers(0, 2 * SHIFT + 1, (2, count, 1, 1))
    rows, columns = np.arange(height)[None, :, None], np.arange(width)[None, None, :]
    margin = ((0, 0), (SHIFT, SHIFT), (SHIFT, SHIFT), (0, 0))
    padded = np.pad(images, margin, constant_values=-1)
    return padded[np.arange(count)[:, None, None], rows + down, columns + right]


def _body() -> keras.Model:
    stages = ((32, 5, 2), (64, 3, 1), (64, 3, 2), (128, 3, 1))  # filters, kernel, stride
    convolutions = [
        layer
        for filters, kernel, stride in stages
        for layer in (
            layers.Conv2D(filters, kernel, stride, "same", use_bias=False),
            layers.BatchNormalization(momentum=0.95),
            layers.ReLU(),
        )
    ]
    return keras.Sequential(
        [keras.Input((28, 28, 1)), *convolutions, layers.Flatten(), layers.Dense(128, activation="relu")]
    )


def _rate(share: float) -> float:
    """Return Adam's step size: up in a line, then down in a line."""
    return PEAK_RATE * min(share / WARM_UP, (1 - share) / (1 - WARM_UP))
