"""Magenta's quarter-width transformer: repaints a picture in the style that 100 numbers describe.

The network of Ghiasi et al. 2017 (arXiv:1705.06830): three contracting convolutions, five residual blocks,
three expanding ones. The style acts only through the instance norms, whose scale and shift are linear in
the style vector.
"""

from typing import Any

import keras
from keras import ops

from worker.models.onnx_weights import Convolutions
from worker.models.style_predictor import STYLE_SIZE

GRID = 4  # the network halves twice, so it works on sides that are multiples of this
_EPSILON = 1e-5
_HEADS = "style_params/transformer"


def build_style_transformer(weights: Convolutions) -> keras.Model:
    """Return the network [(n, h, w, 3) in 0..1, (n or 1, 100)] -> (n, h, w, 3) in 0..1.

    h and w must be multiples of GRID and at least 8. ModelCorrupt when a weight does not fit.
    """
    picture = keras.Input((None, None, 3), name="content_image")
    style = keras.Input((STYLE_SIZE,), name="style_vector")
    x = _contract(picture, weights)
    for number in range(1, 6):
        x = _residual(x, style, weights, f"residual/residual{number}")
    x = _expand(x, style, weights, "expand/conv1", shape=(3, 3, 32, 16), factor=2)
    x = _expand(x, style, weights, "expand/conv2", shape=(3, 3, 16, 8), factor=2)
    x = _styled(x, style, weights, "expand/conv3/conv", shape=(9, 9, 8, 3))
    return keras.Model([picture, style], ops.sigmoid(x), name="style_transformer")


def _contract(x: Any, weights: Convolutions) -> Any:
    for number, (shape, stride) in enumerate((((9, 9, 3, 8), 1), ((3, 3, 8, 16), 2), ((3, 3, 16, 32), 2)), 1):
        found = weights.take(f"transformer/contract/conv{number}", shape)
        layer = keras.layers.Conv2D(shape[-1], shape[:2], strides=stride, activation="relu")
        x = layer(_reflect(x, shape[0] // 2))
        layer.set_weights([found.kernel, found.bias])
    return x


def _residual(x: Any, style: Any, weights: Convolutions, scope: str) -> Any:
    shape = (3, 3, 32, 32)
    inner = ops.relu(_styled(x, style, weights, f"{scope}/conv1", shape=shape))
    return x + _styled(inner, style, weights, f"{scope}/conv2", shape=shape)


def _expand(x: Any, style: Any, weights: Convolutions, scope: str, *, shape: Any, factor: int) -> Any:
    x = keras.layers.UpSampling2D(factor, interpolation="nearest")(x)
    return ops.relu(_styled(x, style, weights, f"{scope}/conv", shape=shape))


def _styled(x: Any, style: Any, weights: Convolutions, scope: str, *, shape: tuple[int, ...]) -> Any:
    """Reflect, convolve without bias (the norm would take it away), and norm in the style."""
    layer = keras.layers.Conv2D(shape[-1], shape[:2], use_bias=False)
    x = layer(_reflect(x, shape[0] // 2))
    layer.set_weights([weights.take(f"transformer/{scope}", shape).kernel])
    return _style_norm(x, style, weights, f"{_HEADS}/{scope}/StyleNorm")


def _style_norm(x: Any, style: Any, weights: Convolutions, scope: str) -> Any:
    """Instance norm; mean, deviation, scale and shift are folded into one multiply and add a pixel."""
    scale = _head(style, weights, f"{scope}/Conv_1", x.shape[-1])
    shift = _head(style, weights, f"{scope}/Conv", x.shape[-1])
    mean, variance = ops.moments(x, axes=[1, 2], keepdims=True)
    factor = scale * ops.rsqrt(variance + _EPSILON)
    return x * factor + (shift - mean * factor)


def _head(style: Any, weights: Convolutions, scope: str, channels: int) -> Any:
    """Return (n, 1, 1, channels), linear in the style vector."""
    found = weights.take(scope, (1, 1, STYLE_SIZE, channels))
    layer = keras.layers.Dense(channels)
    result = layer(style)
    layer.set_weights([found.kernel[0, 0], found.bias])
    return keras.layers.Reshape((1, 1, channels))(result)


def _reflect(x: Any, margin: int) -> Any:
    return ops.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)], mode="reflect")
