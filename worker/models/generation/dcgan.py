"""The generator as a Keras model in its serving form, for any size, and the weights that Atelier carries.

A deep convolutional GAN (Radford, Metz and Chintala, arXiv:1511.06434). At 28 x 28 pixels and one channel
it has the layers of the well-known digit generator; other sizes differ in the first layer's width alone.
"""

from math import prod
from pathlib import Path

import keras
import numpy as np
from keras import layers
from numpy.typing import NDArray

from worker.models.generation.dcgan_architecture import Architecture
from worker.models.generation.dcgan_weights import BUNDLED_FOLDER, copy_weights

UPSAMPLINGS = ((128, 1), (64, 2))  # filters and stride of the hidden transposed convolutions
LAST_STRIDE = 2
KERNEL = 5

Weights = list[NDArray[np.float32]]


def build_generator(architecture: Architecture) -> keras.Model:
    """Return the serving form: latents (n, size) to pictures (n, side, side, channels) in [-1, 1].

    It has no normalization; training's is folded into the weights.
    """
    hidden = [
        layers.Conv2DTranspose(filters, KERNEL, stride, "same", activation="relu")
        for filters, stride in UPSAMPLINGS
    ]
    return keras.Sequential(
        [
            keras.Input((architecture.latent.size,)),
            layers.Dense(prod(architecture.grid), activation="relu"),
            layers.Reshape(architecture.grid),
            *hidden,
            layers.Conv2DTranspose(architecture.channels, KERNEL, LAST_STRIDE, "same", activation="tanh"),
        ],
        name="generator",
    )


def build_mnist_dcgan(folder: Path) -> None:
    """Write the weights that the distribution carries, and their record, into an empty folder."""
    copy_weights(BUNDLED_FOLDER, folder)
