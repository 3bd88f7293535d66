"""A stylization transformer layer by layer, as the papers have it: `fast` must agree with it."""

from typing import Any

import keras
import numpy as np
from keras import ops

from worker.models.style_network.weights import EPSILON, Head, Layer, StyleNorm, TransformerWeights


def build_style_transformer(weights: TransformerWeights) -> keras.Model:
    """Return the network [(n, h, w, 3) in 0..1, (n or 1, style size)] -> (n, h, w, 3) in 0..1.

    h and w must be multiples of GRID and at least 8.
    """
    picture = keras.Input((None, None, 3), name="content_image")
    style = keras.Input((weights.style_size,), name="style_vector")
    first, *halving = weights.contract
    x = ops.relu(_layer(picture, style, first))
    for layer in halving:
        x = ops.relu(_layer(x, style, layer, stride=2))
    for one, two in weights.residual:
        x = x + _layer(ops.relu(_layer(x, style, one)), style, two)
    *enlarging, last = weights.expand
    for layer in enlarging:
        x = keras.layers.UpSampling2D(2, interpolation="nearest")(x)
        x = ops.relu(_layer(x, style, layer))
    return keras.Model([picture, style], ops.sigmoid(_layer(x, style, last)), name="style_transformer")


def _layer(x: Any, style: Any, layer: Layer, *, stride: int = 1) -> Any:
    """Reflect, convolve, and norm in the style or add the bias."""
    margin, channels = layer.kernel.shape[0] // 2, layer.kernel.shape[-1]
    padded = ops.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)], mode="reflect")
    convolve = keras.layers.Conv2D(channels, layer.kernel.shape[:2], strides=stride)
    made = convolve(padded)
    if isinstance(layer.after, StyleNorm):  # which would take a bias away
        convolve.set_weights([layer.kernel, np.zeros(channels, np.float32)])
        return _style_norm(made, style, layer.after)
    convolve.set_weights([layer.kernel, layer.after])
    return made


def _style_norm(x: Any, style: Any, norm: StyleNorm) -> Any:
    """Instance norm; mean, deviation, scale and shift are folded into one multiply and add a pixel."""
    scale, shift = _head(style, norm.scale), _head(style, norm.shift)
    mean, variance = ops.moments(x, axes=[1, 2], keepdims=True)
    factor = scale * ops.rsqrt(variance + EPSILON)
    return x * factor + (shift - mean * factor)


def _head(style: Any, head: Head) -> Any:
    """Return (n, 1, 1, channels), linear in the style vector."""
    channels = len(head.bias)
    layer = keras.layers.Dense(channels)
    result = layer(style)
    layer.set_weights([head.matrix, head.bias])
    return keras.layers.Reshape((1, 1, channels))(result)
