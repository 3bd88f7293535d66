"""A network of features that costs nothing: squares of every other pixel, and the picture doubled."""

from pathlib import Path
from typing import Any

import tensorflow as tf


def features(picture: Any) -> dict[str, Any]:
    return {"style": picture[:, ::2, ::2] ** 2, "content": picture * 2}


def save_features(folder: Path) -> None:
    module = tf.Module()
    module.__call__ = tf.function(features, input_signature=[tf.TensorSpec([None, None, None, 3])])
    tf.saved_model.save(module, str(folder))
