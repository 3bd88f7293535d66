"""Magenta's style predictor: a MobileNetV2 that turns a style picture into 100 numbers.

MobileNetV2 1.0 after Sandler et al. 2018 (arXiv:1801.04381), its batch norms already folded into the
convolutions, then the mean over the picture and one 1x1 convolution, as in Ghiasi et al. 2017
(arXiv:1705.06830).
"""

from typing import Any

import keras

from worker.models.stylization.onnx_weights import Convolutions

STYLE_SIDE = 256  # pixels; the square the network was trained on
STYLE_SIZE = 100  # numbers in a style vector

# (output channels, stride) of the 17 inverted residual blocks; all but the first expand six times.
_BLOCKS = (
    *[(16, 1)],
    *[(24, 2), (24, 1)],
    *[(32, 2), (32, 1), (32, 1)],
    *[(64, 2), (64, 1), (64, 1), (64, 1)],
    *[(96, 1), (96, 1), (96, 1)],
    *[(160, 2), (160, 1), (160, 1)],
    *[(320, 1)],
)
_EXPANSION = 6


def build_style_predictor(weights: Convolutions) -> keras.Model:
    """Return the network (n, h, w, 3) in 0..1 -> (n, 100); ModelCorrupt when a weight does not fit."""
    picture = keras.Input((None, None, 3), name="style_image")
    x = _relu6(_convolve(picture, weights, "MobilenetV2/Conv", (3, 3, 3, 32), stride=2))
    for index, (channels, stride) in enumerate(_BLOCKS):
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
