"""A stylization transformer in float64, written for being obviously right: the reference for the others."""

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from worker.models.style_network.weights import EPSILON, Head, Layer, StyleNorm, TransformerWeights

Picture = npt.NDArray[np.float64]


def paint(weights: TransformerWeights, picture: npt.ArrayLike, vector: npt.ArrayLike) -> Picture:
    """Return the network's picture, (h, w, 3), for a picture and one style vector."""
    style = np.asarray(vector, np.float64)
    x = np.asarray(picture, np.float64)[None]
    for layer, stride in zip(weights.contract, (1, 2, 2), strict=True):
        x = np.maximum(_layer(x, style, layer, stride), 0)
    for one, two in weights.residual:
        x = x + _layer(np.maximum(_layer(x, style, one), 0), style, two)
    *enlarging, last = weights.expand
    for layer in enlarging:
        x = np.maximum(_layer(x.repeat(2, 1).repeat(2, 2), style, layer), 0)
    return (1 / (1 + np.exp(-_layer(x, style, last))))[0]


def _layer(x: Picture, style: Picture, layer: Layer, stride: int = 1) -> Picture:
    margin = layer.kernel.shape[0] // 2
    padded = np.pad(x, [(0, 0), (margin, margin), (margin, margin), (0, 0)], mode="reflect")
    made = tf.nn.conv2d(padded, layer.kernel.astype(np.float64), stride, "VALID").numpy()
    return _norm(made, style, layer.after) if isinstance(layer.after, StyleNorm) else made + layer.after


def _norm(x: Picture, style: Picture, norm: StyleNorm) -> Picture:
    mean, variance = x.mean((1, 2), keepdims=True), x.var((1, 2), keepdims=True)
    return (x - mean) / np.sqrt(variance + EPSILON) * _head(norm.scale, style) + _head(norm.shift, style)


def _head(head: Head, style: Picture) -> Picture:
    return style @ head.matrix.astype(np.float64) + head.bias
