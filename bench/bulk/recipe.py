"""What a script of thirty lines does: a picture from a file, through a network, into a file.

The networks are Atelier's own, layer by layer as the papers have them, with TensorFlow's own choice of
threads. Importing it imports TensorFlow.
"""

from pathlib import Path
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from PIL import Image

from shared.cards.card import load_catalog
from tests.support.models.reference_network import build_style_transformer
from worker.models.generation.dcgan import build_generator
from worker.models.generation.dcgan_architecture import Architecture
from worker.models.generation.dcgan_weights import read_weights
from worker.models.generation.latents import latent
from worker.models.store import ModelStore
from worker.models.stylization.magenta_mobile import PREDICTOR_GRAPH, magenta_transformer
from worker.models.stylization.onnx_weights import read_convolutions, wheel_graph_path
from worker.models.stylization.style_predictor import STYLE_SIDE, build_style_predictor

WORKING_SIDE = 384  # pixels of the longer side at which the network paints
_GRID = 4


class StyleRecipe:
    """A module called as TensorFlow Hub's are: `module(content, style)[0]`."""

    def __init__(self) -> None:
        predictor = build_style_predictor(read_convolutions(wheel_graph_path(PREDICTOR_GRAPH)))
        transformer = build_style_transformer(magenta_transformer())
        pictures = tf.TensorSpec([None, None, None, 3], tf.float32)

        def call(content: Any, style: Any) -> list[Any]:
            return [transformer([content, predictor(style)])]

        self._module = tf.function(call, input_signature=[pictures, pictures], autograph=False)

    def __call__(self, content: str, style: str, out: str) -> None:
        """Paint one file in the manner of another, at the working size; write it at its own."""
        photo = Image.open(content).convert("RGB")
        scale = WORKING_SIDE / max(photo.size)
        width, height = (max(_GRID, round(side * scale / _GRID) * _GRID) for side in photo.size)
        look = _floats(Image.open(style).convert("RGB").resize((STYLE_SIDE, STYLE_SIDE)))
        painted = self._module(_floats(photo.resize((width, height))), look)[0]
        enlarged = tf.image.resize(painted[0], (photo.height, photo.width), "lanczos3")
        keras.utils.save_img(out, np.clip(enlarged, 0, 1) * 255, scale=False)


def _floats(image: Image.Image) -> Any:
    return tf.constant(np.asarray(image, np.float32)[None] / 255)


class DigitRecipe:
    """A Keras generator, asked for one picture at a time."""

    def __init__(self, models: Path) -> None:
        card = load_catalog().get("mnist-dcgan")
        assert card.latent is not None, "a generator's card has a latent"
        self._latent = card.latent
        self._network = build_generator(Architecture.of(card))
        self._network.set_weights(read_weights(ModelStore(models).open(card).folder)[1])

    def __call__(self, seed: int, out: str) -> None:
        """Draw the digit of a seed; write it."""
        latents = latent(self._latent, seed, None, 1.0)[None]
        picture = self._network.predict(latents, verbose=0)[0]
        keras.utils.save_img(out, picture * 127.5 + 127.5, scale=False)
