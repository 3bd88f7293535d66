"""Writes a stylization network as a SavedModel with the call convention of TensorFlow Hub's own.

It is called as `module(content_image, style)[0]`: float32 pictures (n, h, w, 3) in 0..1 of any size, one
style for all contents or one for each. A network of any style takes style pictures; it also has
`predict_style` and `transform`, so that a style that is used again is predicted once. A network of built-in
styles takes their weights instead, (n or 1, styles); there `transform` is the same call.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from worker.models.style_network.fast import FastTransformer
from worker.models.style_network.weights import GRID

STYLE_SIDE = 256  # pixels; the square that the style predictor was trained on
STYLE_SIZE = 100  # numbers in a style vector

_CONTENT = tf.TensorSpec([None, None, None, 3], tf.float32, "content_image")
_STYLE = tf.TensorSpec([None, None, None, 3], tf.float32, "style_image")
_VECTOR = tf.TensorSpec([None, STYLE_SIZE], tf.float32, "style_vector")


def export_stylization(predictor: keras.Model, transformer: FastTransformer, folder: Path) -> None:
    """Write a network of any style as one SavedModel into a folder."""

    def look(style_image: Any) -> Any:
        return predictor(tf.image.resize(style_image, (STYLE_SIDE, STYLE_SIDE), antialias=True))

    def stylize(content_image: Any, style_image: Any) -> list[Any]:
        return [module.transform(content_image, module.predict_style(style_image))]

    module = _module(transformer)
    # Only the variables are tracked: saving the Keras model as well would trace it once more.
    module.predictor_variables = [variable.value for variable in predictor.variables]
    module.predict_style = _function(look, _STYLE)
    module.transform = _function(_repaint(transformer), _CONTENT, _VECTOR)
    module.__call__ = _function(stylize, _CONTENT, _STYLE)
    _save(module, folder, "predict_style", "transform")


def export_builtin_styles(transformer: FastTransformer, folder: Path) -> None:
    """Write a network of built-in styles as one SavedModel into a folder."""

    def stylize(content_image: Any, style_weights: Any) -> list[Any]:
        return [module.transform(content_image, style_weights)]

    weights = tf.TensorSpec([None, transformer.style_size], tf.float32, "style_weights")
    module = _module(transformer)
    module.transform = _function(_repaint(transformer), _CONTENT, weights)
    module.__call__ = _function(stylize, _CONTENT, weights)
    _save(module, folder, "transform")


def _module(transformer: FastTransformer) -> Any:
    module = tf.Module(name="stylization")
    module.transformer_variables = list(transformer.variables)
    return module


def _function(function: Callable[..., Any], *signature: tf.TensorSpec) -> Any:
    """Trace a function once for all sizes."""
    return tf.function(function, signature, autograph=False)


def _save(module: Any, folder: Path, *also: str) -> None:
    functions = {"serving_default": module.__call__} | {name: getattr(module, name) for name in also}
    signatures = {name: function.get_concrete_function() for name, function in functions.items()}
    tf.saved_model.save(module, str(folder), signatures=signatures)
    # It holds a random id; without it the same weights give the same bytes, and so the same digest, anywhere.
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def _repaint(transformer: FastTransformer) -> Callable[[Any, Any], Any]:
    def repaint(content_image: Any, style: Any) -> Any:
        shape = tf.shape(content_image)
        repainted = transformer((_reflect_to_grid(content_image), style))
        return repainted[:, : shape[1], : shape[2], :]

    return repaint


def _reflect_to_grid(picture: Any) -> Any:
    """Pad the lower and right edge by reflection, so that the network can halve both sides twice."""
    sides = tf.shape(picture)[1:3]
    missing = (-sides) % GRID
    return tf.pad(picture, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]], mode="REFLECT")
