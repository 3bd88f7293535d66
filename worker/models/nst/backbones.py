"""Writes the networks whose activations neural style transfer compares, as SavedModels.

The call convention is `module(picture)`: float32 (n, h, w, 3) in 0..1 of any size, to a dict of activations
(n, h', w', c). Names that begin with `style` are compared by their Gram matrices, those that begin with
`content` value by value. A network of the user's own with this convention works as well.
"""

import sys
from collections.abc import Callable, Sequence
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from shared.errors import ModelUnavailable
from worker.models.stylization.magenta_mobile import PREDICTOR_GRAPH, build_style_predictor
from worker.models.stylization.onnx_weights import read_convolutions, wheel_graph_path

# Indices of the predictor's layers: the first convolution after its ReLU, then the outputs of inverted
# residual blocks 0, 1, 2, 3, 4 and 6, at strides 2, 2, 4, 4, 8, 8 and 16. The wide layers within the blocks
# are flatter: with them the picture got the colors of the style but hardly its strokes.
MOBILENET_STYLE = (2, 5, 10, 16, 21, 27, 38)
MOBILENET_CONTENT = (33,)  # block 5, stride 8
# As in Gatys et al. 2016, Keras's names for conv1_1 to conv5_1 and conv4_2.
VGG_STYLE = tuple(f"block{number}_conv1" for number in range(1, 6))
VGG_CONTENT = ("block4_conv2",)
VGG_MEAN = (103.939, 116.779, 123.68)  # of ImageNet, blue to red, 0..255

_PICTURE = tf.TensorSpec([None, None, None, 3], tf.float32, "picture")


def build_mobilenet_features(folder: Path) -> None:
    """Write the MobileNetV2 of Magenta's style predictor; needs no network, only the wheel.

    ModelUnavailable when the wheel or its graph is absent, ModelCorrupt when the graph is not the known one.
    """
    predictor = build_style_predictor(read_convolutions(wheel_graph_path(PREDICTOR_GRAPH)))
    layers = predictor.layers
    style = [layers[index].output for index in MOBILENET_STYLE]
    content = [layers[index].output for index in MOBILENET_CONTENT]
    _export(keras.Model(predictor.input, _named(style, content)), folder, lambda picture: picture)


def build_vgg19_features(folder: Path, weights: str | None = "imagenet") -> None:
    """Write VGG-19 up to its fifth block. Keras downloads the weights, or finds them in its own cache.

    `weights` may be the path of a weights file, or None for random ones. ModelUnavailable when that fails.
    """
    try:
        with redirect_stdout(sys.stderr):  # Keras draws a bar there
            network = keras.applications.VGG19(include_top=False, weights=weights)
    except Exception as error:  # a download that fails is a bare Exception in Keras
        raise ModelUnavailable(
            f"Keras has no weights of VGG-19 ({error}). Pull where they can be downloaded, or put "
            "vgg19_weights_tf_dim_ordering_tf_kernels_notop.h5 into ~/.keras/models"
        ) from error
    style = [network.get_layer(name).output for name in VGG_STYLE]
    content = [network.get_layer(name).output for name in VGG_CONTENT]
    _export(
        keras.Model(network.input, _named(style, content)),
        folder,
        lambda picture: picture[..., ::-1] * 255.0 - tf.constant(VGG_MEAN),
    )


def _named(style: Sequence[Any], content: Sequence[Any]) -> dict[str, Any]:
    named = {f"style_{number}": value for number, value in enumerate(style)}
    return named | {f"content_{number}": value for number, value in enumerate(content)}


def _export(network: keras.Model, folder: Path, preprocess: Callable[[Any], Any]) -> None:
    module = tf.Module(name="features")
    module.network_variables = [variable.value for variable in network.variables]
    features = tf.function(lambda picture: network(preprocess(picture)), [_PICTURE], autograph=False)
    module.__call__ = features
    tf.saved_model.save(module, str(folder), signatures=features.get_concrete_function())
    # It holds a random id: with it no two builds had the same digest.
    (folder / "fingerprint.pb").unlink(missing_ok=True)
