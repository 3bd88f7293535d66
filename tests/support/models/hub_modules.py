"""Small SavedModels that are called as TensorFlow Hub's stylization modules are, and their archives."""

import io
import tarfile
from pathlib import Path
from typing import Any

import tensorflow as tf

_PICTURE = tf.TensorSpec([None, None, None, 3], tf.float32)


class AverageColor(tf.Module):
    """Half the content, half the style's mean color; sides are rounded down to a multiple of 4."""

    @tf.function(input_signature=[_PICTURE, _PICTURE])
    def __call__(self, content: Any, style: Any) -> list[Any]:
        sides = tf.shape(content)[1:3] // 4 * 4
        color = tf.reduce_mean(style, axis=[1, 2], keepdims=True)
        return [0.5 * content[:, : sides[0], : sides[1]] + 0.5 * color]


class Halved(tf.Module):
    """Gives a picture of half the size: a module that keeps no sizes at all."""

    @tf.function(input_signature=[_PICTURE, _PICTURE])
    def __call__(self, content: Any, style: Any) -> list[Any]:
        return [content[:, ::2, ::2]]


def save_module(module: tf.Module, folder: Path) -> Path:
    tf.saved_model.save(module, str(folder))
    return folder


def archive_of(folder: Path, top: str = ".") -> bytes:
    """A .tar.gz of a folder's content, under `top`."""
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz") as tar:
        tar.add(folder, arcname=top)
    return buffer.getvalue()
