"""The two networks in training, and the step that updates both."""

from collections.abc import Iterator
from math import prod
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from keras import layers
from numpy.typing import NDArray

from worker.models.generation.dcgan import NORMALS, Architecture
from worker.models.generation.generator import KERNEL, LAST_STRIDE, UPSAMPLINGS, Weights
from worker.training.config import Losses
from worker.training.data import TrainingBatch
from worker.training.early_stopping import StepSettings

_EPSILON = 1e-3  # of batch normalization
_SLOPE = 0.2  # of leaky ReLU below 0
_REAL_TARGET = 0.9  # one-sided label smoothing (Salimans et al., arXiv:1606.03498)


def build_training_generator(architecture: Architecture, *, seed: int) -> keras.Model:
    """Return the training form: latents (n, size) to pictures (n, side, side, channels) in [-1, 1]."""
    draw = _initializers(seed)
    dense = layers.Dense(prod(architecture.grid), use_bias=False, kernel_initializer=next(draw))
    body = [dense, layers.Reshape(architecture.grid), *_normalized_relu()]
    for filters, stride in UPSAMPLINGS:
        body += [
            layers.Conv2DTranspose(
                filters, KERNEL, stride, "same", use_bias=False, kernel_initializer=next(draw)
            ),
            *_normalized_relu(),
        ]
    last = layers.Conv2DTranspose(
        architecture.channels, KERNEL, LAST_STRIDE, "same", activation="tanh", kernel_initializer=next(draw)
    )
    inputs = keras.Input((architecture.latent.size,))
    return keras.Sequential([inputs, *body, last], name="training_generator")


def build_discriminator(architecture: Architecture, *, seed: int) -> keras.Model:
    """Return the discriminator of pictures (n, side, side, channels): logits (n, 1, 1, 1 + classes).

    The first logit is how real a picture is; the others correct it for each class.
    """
    draw = _initializers(seed)
    body = []
    for filters, kernel, stride in ((64, 5, 2), (128, 5, 2), (128, 3, 1)):
        body += [
            layers.Conv2D(filters, kernel, stride, "same", kernel_initializer=next(draw)),
            layers.LeakyReLU(_SLOPE),
        ]
    whole = architecture.grid[:2]
    last = layers.Conv2D(1 + architecture.classes, whole, 1, "valid", kernel_initializer=next(draw))
    return keras.Sequential([keras.Input(architecture.picture_shape), *body, last], name="discriminator")


def fold_normalization(weights: Weights) -> Weights:
    """Turn the training form's weights, in Keras order, into the serving form's.

    A normalized channel is `gamma * (x - mean) / sqrt(variance + epsilon) + beta`: a factor for the kernel
    before it and a bias. The Dense kernel's columns run over the grid, channel last, so its factor repeats
    per cell.
    """
    dense, *dense_norm = weights[0:5]
    factor, bias = _affine(dense_norm)
    cells = dense.shape[1] // len(factor)
    folded = [dense * np.tile(factor, cells), np.tile(bias, cells)]
    for kernel, *norm in (weights[5:10], weights[10:15]):
        factor, bias = _affine(norm)
        folded += [kernel * factor[:, None], bias]  # transposed kernels are (height, width, out, in)
    return [*folded, *weights[15:17]]


def _affine(norm: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    gamma, beta, mean, variance = norm
    factor = np.asarray(gamma / np.sqrt(variance + np.float32(_EPSILON)), dtype=np.float32)
    return factor, beta - mean * factor


def _initializers(seed: int) -> Iterator[keras.Initializer]:
    """Yield Glorot initializers, each with another seed, so that a model depends on `seed` alone."""
    number = seed * 16
    while True:
        yield keras.initializers.GlorotUniform(seed=number)
        number += 1


def _normalized_relu() -> list[keras.Layer]:
    return [layers.BatchNormalization(epsilon=_EPSILON), layers.ReLU()]


class Adversary:
    """A generator and its discriminator with their optimizers and the generator's running average.

    The discriminator's logit for a picture with the label c is `out[0] + out[1 + c]`, without classes
    `out[0]`. Losses are non-saturating (Goodfellow et al., arXiv:1406.2661); one forward pass of fakes
    serves both updates. Real pictures under each wrong label count as fakes, with a weight (matching-aware
    discriminator, Reed et al., arXiv:1605.05396).
    """

    def __init__(self, architecture: Architecture, seed: int) -> None:
        self._classes = architecture.classes
        self._generator = build_training_generator(architecture, seed=2 * seed)
        self._discriminator = build_discriminator(architecture, seed=2 * seed + 1)
        self._optimizers = tuple(keras.optimizers.Adam(beta_1=0.5, beta_2=0.99) for _ in range(2))
        for optimizer, model in zip(self._optimizers, (self._generator, self._discriminator), strict=True):
            optimizer.build(model.trainable_variables)
        self._average = [tf.Variable(variable.value) for variable in self._generator.variables]
        self._step = tf.function(self._traced_step, jit_compile=True)

    def step(self, batch: TrainingBatch, latents: NDArray[np.float32], settings: StepSettings) -> Losses:
        """Update everything once; the latents (n, size) match the labels."""
        rates = (settings.generator_rate, settings.discriminator_rate)
        for optimizer, rate in zip(self._optimizers, rates, strict=True):
            optimizer.learning_rate.assign(rate)
        weights = (tf.constant(settings.average_decay), tf.constant(settings.wrong_labels))
        arrays = (batch.images, batch.labels, latents)
        measured = self._step(*(tf.constant(array) for array in arrays), *weights)
        return Losses(*(float(value) for value in measured.numpy()))

    def average(self) -> Weights:
        """Return the running average of the generator in the serving form."""
        return fold_normalization([variable.numpy() for variable in self._average])

    def state(self) -> Weights:
        """Return a copy of everything that a step changes, in a fixed order."""
        return [np.array(variable.numpy()) for variable in self._variables()]

    def restore(self, state: Weights) -> None:
        """Restore what `state` returned; raise ValueError where it does not fit."""
        for variable, value in zip(self._variables(), state, strict=True):
            variable.assign(value)

    def _variables(self) -> list[Any]:
        models = (*self._generator.variables, *self._discriminator.variables)
        optimizers = [variable for optimizer in self._optimizers for variable in optimizer.variables]
        return [*models, *optimizers, *self._average]

    def _traced_step(self, images: Any, labels: Any, latents: Any, decay: Any, wrong_weight: Any) -> Any:
        with tf.GradientTape(persistent=True) as tape:
            fakes = self._generator(latents, training=True)
            out = self._outputs(tf.concat([images, fakes], 0))
            real, fake = tf.split(self._logits(out, tf.concat([labels, labels], 0)), 2)
            generator_loss = tf.reduce_mean(tf.nn.softplus(-fake))
            real_loss = tf.reduce_mean(tf.nn.softplus(real) - _REAL_TARGET * real)
            discriminator_loss = real_loss + tf.reduce_mean(tf.nn.softplus(fake))
            discriminator_loss += wrong_weight * self._wrong_label_loss(out[: images.shape[0]], labels)
        losses = (generator_loss, discriminator_loss)
        models = (self._generator, self._discriminator)
        for optimizer, loss, model in zip(self._optimizers, losses, models, strict=True):
            optimizer.apply(tape.gradient(loss, model.trainable_variables), model.trainable_variables)
        self._update_average(decay)
        return tf.stack([*losses, tf.reduce_mean(tf.sigmoid(real)), tf.reduce_mean(tf.sigmoid(fake))])

    def _outputs(self, pictures: Any) -> Any:
        return tf.reshape(self._discriminator(pictures, training=True), (-1, 1 + self._classes))

    def _logits(self, out: Any, labels: Any) -> Any:
        return out[:, 0] + tf.reduce_sum(out[:, 1:] * tf.one_hot(labels, self._classes), 1)

    def _wrong_label_loss(self, out: Any, labels: Any) -> Any:
        """Return how real the pictures seem under each class that is not theirs; 0 without classes."""
        others = 1 - tf.one_hot(labels, self._classes)
        wrong = tf.nn.softplus(out[:, :1] + out[:, 1:]) * others
        return tf.math.divide_no_nan(tf.reduce_sum(wrong), tf.reduce_sum(others))

    def _update_average(self, decay: Any) -> None:
        for average, variable in zip(self._average, self._generator.variables, strict=True):
            average.assign(decay * average + (1 - decay) * variable)


def draw_latents(labels: NDArray[np.int32], classes: int, *, seed: int, step: int) -> NDArray[np.float32]:
    """Return a step's latents (n, 90 + classes): normals fixed by (seed, step), then one-hot labels."""
    drawn = np.random.default_rng([seed, step, NORMALS]).standard_normal((len(labels), NORMALS), np.float32)
    one_hot = np.eye(classes, dtype=np.float32)[labels] if classes else np.empty((len(labels), 0), np.float32)
    return np.concatenate([drawn, one_hot], axis=1)
