"""The digit generator and its discriminator as Keras models, and the plain weights that the service runs on.

A deep convolutional GAN (Radford, Metz and Chintala, arXiv:1511.06434) for 28 x 28 grey pictures. The
training form of the generator has batch normalization between its layers; the serving form has none, as
`fold_normalization` moves it into the kernels and biases. Both compute the same function.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import prod
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from worker.models.dcgan_weights import copy_bundled

LATENT_SIZE = 100  # 90 normals, then a one-hot digit
PICTURE_SHAPE = (28, 28, 1)

Weights = list[NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class _Upsampling:
    filters: int
    stride: int


_EPSILON = 1e-3  # of batch normalization
_GRID = (7, 7, 256)  # height, width, channels of the first feature map
_UPSAMPLINGS = (_Upsampling(128, 1), _Upsampling(64, 2), _Upsampling(1, 2))


def build_generator() -> keras.Model:
    """Return the serving form: latents (n, 100) to pictures (n, 28, 28, 1) in [-1, 1]; no normalization."""
    first, second, last = _UPSAMPLINGS
    return keras.Sequential(
        [
            keras.Input((LATENT_SIZE,)),
            layers.Dense(prod(_GRID), activation="relu"),
            layers.Reshape(_GRID),
            layers.Conv2DTranspose(first.filters, 5, first.stride, "same", activation="relu"),
            layers.Conv2DTranspose(second.filters, 5, second.stride, "same", activation="relu"),
            layers.Conv2DTranspose(last.filters, 5, last.stride, "same", activation="tanh"),
        ],
        name="generator",
    )


def build_training_generator(*, seed: int) -> keras.Model:
    """Return the training form: the serving form's layers with batch normalization before each ReLU."""
    first, second, last = _UPSAMPLINGS
    draw = _initializers(seed)
    return keras.Sequential(
        [
            keras.Input((LATENT_SIZE,)),
            layers.Dense(prod(_GRID), use_bias=False, kernel_initializer=next(draw)),
            layers.Reshape(_GRID),
            *_normalized_relu(),
            _upsample(first, next(draw), bias=False),
            *_normalized_relu(),
            _upsample(second, next(draw), bias=False),
            *_normalized_relu(),
            _upsample(last, next(draw), bias=True, activation="tanh"),
        ],
        name="training_generator",
    )


def build_discriminator(classes: int = 0, *, seed: int = 0) -> keras.Model:
    """Return the judge of pictures (n, 28, 28, 1).

    Without classes it gives (n, 1, 1, 1), the probability that a picture is real. With classes it gives
    logits (n, 1, 1, 1 + classes): the first says how real the picture is, the others correct that for each
    class.
    """
    draw = _initializers(seed)
    return keras.Sequential(
        [
            keras.Input(PICTURE_SHAPE),
            layers.Conv2D(64, 5, 2, "same", kernel_initializer=next(draw)),
            layers.LeakyReLU(0.2),
            layers.Conv2D(128, 5, 2, "same", kernel_initializer=next(draw)),
            layers.LeakyReLU(0.2),
            layers.Conv2D(
                1 + classes,
                7,
                1,
                "valid",
                activation=None if classes else "sigmoid",
                kernel_initializer=next(draw),
            ),
        ],
        name="discriminator",
    )


def build_mnist_dcgan(folder: Path) -> None:
    """Write the weights that the distribution carries, and their record, into an empty folder."""
    copy_bundled(folder)


def fold_normalization(weights: Weights) -> Weights:
    """Turn the training form's weights, in Keras order, into the serving form's.

    A normalized channel is `gamma * (x - mean) / sqrt(variance + epsilon) + beta`: a factor for the kernel
    before it and a bias. The Dense kernel's columns run over the grid, channel last, so its factor repeats
    per cell.
    """
    dense, *dense_norm = weights[0:5]
    first, *first_norm = weights[5:10]
    second, *second_norm = weights[10:15]
    cells = _GRID[0] * _GRID[1]
    factor, bias = _affine(dense_norm)
    folded = [dense * np.tile(factor, cells), np.tile(bias, cells)]
    for kernel, norm in ((first, first_norm), (second, second_norm)):
        factor, bias = _affine(norm)
        folded += [kernel * factor[:, None], bias]  # transposed kernels are (height, width, out, in)
    return [*folded, *weights[15:17]]


def _affine(norm: Weights) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    gamma, beta, mean, variance = norm
    factor = gamma / np.sqrt(variance + np.float32(_EPSILON))
    return factor, beta - mean * factor


def _initializers(seed: int) -> Iterator[keras.Initializer]:
    """Yield Glorot initializers with seeds of their own, so that a model depends on `seed` alone."""
    number = seed * 16
    while True:
        yield keras.initializers.GlorotUniform(seed=number)
        number += 1


def _normalized_relu() -> list[keras.Layer]:
    return [layers.BatchNormalization(epsilon=_EPSILON), layers.ReLU()]


def _upsample(
    shape: _Upsampling, initializer: keras.Initializer, *, bias: bool, activation: str | None = None
) -> keras.Layer:
    return layers.Conv2DTranspose(
        shape.filters,
        5,
        shape.stride,
        "same",
        activation=activation,
        use_bias=bias,
        kernel_initializer=initializer,
    )
