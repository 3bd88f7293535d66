"""One-pass networks: how a norm whose scale and shift depend on the style makes one network paint in many."""

import time
from typing import Any

import numpy as np
import tensorflow as tf
from matplotlib.figure import Figure

from bench.gallery.how_it_works.figures import Studio, drawn, painting, photo, show, tissue, to_float
from worker.models.style_network.weights import EPSILON, Layer, StyleNorm, TransformerWeights
from worker.models.stylization.multistyle import multistyle_transformer

BUILTIN, ANY = "multistyle-26", "magenta-mobile"
NUMBERS = (1, 12, 19)  # built-in styles
CHANNEL = 5  # of the first layer
SIDE = 512  # pixels


def draw_norms(studio: Studio) -> None:
    """One map of the first layer, normed; with the scale and shift of three styles; and their pictures."""
    model, weights = studio.load(BUILTIN), multistyle_transformer()
    content = to_float(photo(SIDE))
    first = weights.contract[0]
    plain = normed(first, content)[:, :, CHANNEL]
    figure = Figure((10, 3.9), layout="constrained")
    above, below = figure.subplots(2, 1 + len(NUMBERS))
    show(above[0], plain, "a map, normed: mean 0, deviation 1", vmin=-3, vmax=3)
    show(below[0], content, "the photo")
    for top, bottom, number in zip(above[1:], below[1:], NUMBERS, strict=True):
        scale, shift = scale_and_shift(first, number, CHANNEL)
        title = f"style {number}: {scale:+.2f} · map {shift:+.2f}"
        show(top, np.maximum(scale * plain + shift, 0), f"{title}, ReLU", vmin=-3, vmax=3)
        show(bottom, model.stylize(content, model.prepare_builtin(number)), f"painted in style {number}")
    studio.save("norms.jpg", drawn(figure))
    told = (
        f"{count_kernels(weights):,} numbers in kernels; {count_norms(weights)} of scales and shifts a style"
    )
    print(told)


def normed(layer: Layer, content: Any) -> Any:
    """Return a layer's maps (h, w, channels) after instance norm, before scale and shift."""
    margin = layer.kernel.shape[0] // 2
    padded = np.pad(content, [(margin, margin), (margin, margin), (0, 0)], mode="reflect")
    maps = tf.nn.conv2d(padded[None], layer.kernel, 1, "VALID").numpy()[0]
    return (maps - maps.mean((0, 1))) / np.sqrt(maps.var((0, 1)) + EPSILON)


def scale_and_shift(layer: Layer, number: int, channel: int) -> tuple[float, float]:
    """Return what a built-in style does to one map."""
    assert isinstance(layer.after, StyleNorm), "all layers of this network have norms"
    return tuple(
        float(head.matrix[number, channel] + head.bias[channel])
        for head in (layer.after.scale, layer.after.shift)
    )


def count_kernels(weights: TransformerWeights) -> int:
    residual = [layer for block in weights.residual for layer in block]
    return sum(layer.kernel.size for layer in (*weights.contract, *residual, *weights.expand))


def count_norms(weights: TransformerWeights) -> int:
    return sum(len(head.bias) for norm in weights.norms() for head in (norm.scale, norm.shift))


def draw_vectors(studio: Studio) -> None:
    """Two pictures as 100 numbers each, the mean of both, and the photo painted by each of the three."""
    model, content = studio.load(ANY), to_float(photo(SIDE))
    model.warm_up()
    looks = {"a painting": painting(), "a photo of tissue": tissue()}
    ends = [model.prepare_style(to_float(picture)) for picture in looks.values()]
    mixed = model.blend([(ends[0], 1.0), (ends[1], 1.0)])
    rows = [*zip(looks, looks.values(), ends, strict=True)]
    rows.insert(1, ("the mean of both", None, mixed))
    figure = Figure((10, 6.2), layout="constrained")
    for axes, (name, picture, style) in zip(
        figure.subplots(3, 3, width_ratios=[1, 2, 1.5]), rows, strict=True
    ):
        if picture is None:
            axes[0].axis("off")  # no picture looks so
        else:
            show(axes[0], picture, name)
        axes[1].bar(range(len(style.vector)), style.vector, color="#1f5fa8", width=1.0)
        axes[1].set(xlim=(-1, len(style.vector)), ylim=(-3, 3))
        axes[1].set_title(f"{len(style.vector)} numbers of {name}", fontsize=9)
        show(axes[2], model.stylize(content, style), "painted")
    studio.save("vectors.jpg", drawn(figure))
    began = time.perf_counter()
    model.stylize(content, ends[0])
    print(f"one pass at {SIDE} pixels: {time.perf_counter() - began:.2f} s")
