"""Small real Keras networks from picture to picture, saved as their makers would save them."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

Size = tuple[int | None, int | None]


def export(network: keras.Model, folder: Path) -> Path:
    network.export(str(folder), verbose=False)
    return folder


def save_signature(function: Any, folder: Path, *specs: tf.TensorSpec, name: str = "serving_default") -> Path:
    """Save a function as a SavedModel with one signature."""
    module = tf.Module()
    module.function = tf.function(function, input_signature=list(specs))
    signatures = {name: module.function.get_concrete_function()}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    return folder


def picture_spec(
    shape: Sequence[int | None] = (None, None, None, 3), dtype: Any = tf.float32
) -> tf.TensorSpec:
    return tf.TensorSpec(shape, dtype, "picture")


def negative(size: Size = (None, None)) -> keras.Model:
    """Three convolutions whose weights make a negative of 0..1: 1 - x."""
    picture = keras.Input((*size, 3))
    x = keras.layers.Conv2D(3, 1, kernel_initializer=_identity)(picture)
    x = keras.layers.Conv2D(3, 1, kernel_initializer=_identity)(x)
    last = keras.layers.Conv2D(3, 1, kernel_initializer=_minus_identity, bias_initializer="ones")
    return keras.Model(picture, last(x))


def sepia() -> keras.Model:
    """Grey in, color out, both in -1..1: full red, half green, no blue."""
    picture = keras.Input((None, None, 1))
    unit = keras.layers.Rescaling(0.5, 0.5)(picture)
    color = keras.layers.Concatenate()(
        [unit, keras.layers.Rescaling(0.5)(unit), keras.layers.Rescaling(0.0)(unit)]
    )
    return keras.Model(picture, keras.layers.Rescaling(2.0, -1.0)(color))


def doubler() -> keras.Model:
    """Every pixel becomes four."""
    picture = keras.Input((None, None, 3))
    return keras.Model(picture, keras.layers.UpSampling2D(2, interpolation="nearest")(picture))


def bottleneck() -> keras.Model:
    """Halves twice by pooling and enlarges again: gives fewer pixels unless sides are multiples of 4."""
    picture = keras.Input((None, None, 3))
    x = keras.layers.AveragePooling2D(4)(picture)
    return keras.Model(picture, keras.layers.UpSampling2D(4, interpolation="nearest")(x))


def edges() -> keras.Model:
    """Color in, grey out: the mean of the channels."""
    picture = keras.Input((None, None, 3))
    mean = keras.layers.Conv2D(1, 1, kernel_initializer=keras.initializers.Constant(1 / 3))
    return keras.Model(picture, mean(picture))


def _identity(shape: Any, dtype: Any = None) -> Any:
    return tf.reshape(tf.eye(shape[-1], dtype=dtype), shape)


def _minus_identity(shape: Any, dtype: Any = None) -> Any:
    return -_identity(shape, dtype)
