"""Writes a stylization network as a SavedModel with the call convention of TensorFlow Hub's own.

Callers say `module(content_image, style_image)[0]`: float32 pictures (n, h, w, 3) in 0..1 of any size, one
style for all contents or one each. Beyond the convention there are `predict_style` and `transform`, so that
a style that comes again is looked at once.
"""

from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from worker.models.style_predictor import STYLE_SIDE, STYLE_SIZE
from worker.models.style_transformer import GRID

_CONTENT = tf.TensorSpec([None, None, None, 3], tf.float32, "content_image")
_STYLE = tf.TensorSpec([None, None, None, 3], tf.float32, "style_image")
_VECTOR = tf.TensorSpec([None, STYLE_SIZE], tf.float32, "style_vector")


def export_stylization(predictor: keras.Model, transformer: keras.Model, folder: Path) -> None:
    """Write the two networks as one SavedModel into a folder; each function is traced once for all sizes."""
    module = _module(predictor, transformer)
    signatures = {
        "serving_default": module.__call__.get_concrete_function(),
        "predict_style": module.predict_style.get_concrete_function(),
        "transform": module.transform.get_concrete_function(),
    }
    tf.saved_model.save(module, str(folder), signatures=signatures)
    # It holds a random id; without it the same weights give the same bytes, and so the same digest, anywhere.
    (folder / "fingerprint.pb").unlink(missing_ok=True)


def _module(predictor: keras.Model, transformer: keras.Model) -> Any:
    def look(style_image: Any) -> Any:
        square = tf.image.resize(style_image, (STYLE_SIDE, STYLE_SIDE), antialias=True)
        return predictor(square)

    def repaint(content_image: Any, style_vector: Any) -> Any:
        shape = tf.shape(content_image)
        repainted = transformer([_reflect_to_grid(content_image), style_vector])
        return repainted[:, : shape[1], : shape[2], :]

    def stylize(content_image: Any, style_image: Any) -> list[Any]:
        return [module.transform(content_image, module.predict_style(style_image))]

    module = tf.Module(name="stylization")
    # Only the variables are tracked: saving the Keras models as well would trace each of them once more.
    module.network_variables = [v.value for v in (*predictor.variables, *transformer.variables)]
    module.predict_style = tf.function(look, [_STYLE])
    module.transform = tf.function(repaint, [_CONTENT, _VECTOR])
    module.__call__ = tf.function(stylize, [_CONTENT, _STYLE])
    return module


def _reflect_to_grid(picture: Any) -> Any:
    """Pad the lower and right edge by reflection, so that the network can halve both sides twice."""
    sides = tf.shape(picture)[1:3]
    missing = (-sides) % GRID
    return tf.pad(picture, [[0, 0], [0, missing[0]], [0, missing[1]], [0, 0]], mode="REFLECT")
