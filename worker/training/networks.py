"""The two networks in training, and how the generator's weights are converted to its serving form.

The generator in training has batch normalization before each ReLU; the serving form has none, as
`fold_normalization` moves it into the kernels and biases. Both compute the same function.
"""

from collections.abc import Iterator
from math import prod

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from worker.models.generation.dcgan import Architecture
from worker.models.generation.generator import KERNEL, LAST_STRIDE, UPSAMPLINGS, Weights

_EPSILON = 1e-3  # of batch normalization
_SLOPE = 0.2  # of leaky ReLU below 0


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
