"""What the generator does with a latent, and the two ways from one latent to another."""

import keras
import numpy as np
from matplotlib.figure import Figure

from bench.gallery.how_it_works.figures import Studio, drawn, show, tiled
from shared.cards.card import load_catalog
from worker.models.generation.dcgan import Architecture, read_weights
from worker.models.generation.generator import build_generator
from worker.models.generation.latents import latent, walk

CARD = "mnist-dcgan"
SEED, DIGIT = 7, 3
MAPS = 16  # shown of each layer
ENDS = (46, 2)  # seeds: of the first sixty the two whose latents are most opposite
ENDS_DIGIT = 2
CLASSES = (3, 8)
STEPS = 13


def network(studio: Studio) -> keras.Model:
    """Return the shipped generator with its weights."""
    card = load_catalog().get(CARD)
    studio.models.pull(card)
    _, weights = read_weights(studio.models.open(card).folder)
    made = build_generator(Architecture.of(card))
    made.set_weights(weights)
    return made


def draw_inside(studio: Studio) -> None:
    """One latent on its way through the layers."""
    generator, shape = network(studio), Architecture().latent
    vector = latent(shape, SEED, DIGIT, 1.0)
    inside = keras.Model(generator.inputs, [layer.output for layer in generator.layers[1:]])
    *hidden, picture = (np.asarray(each)[0] for each in inside(vector[None]))
    figure = Figure((10, 3.1), layout="constrained")
    axes = figure.subplots(1, 2 + len(hidden), width_ratios=[1.3, *[1] * (1 + len(hidden))])
    colors = ["#1f5fa8"] * shape.normals + ["#c4452d"] * shape.classes
    axes[0].barh(range(shape.size), vector, color=colors, height=1.0)
    axes[0].set(yticks=[0, 45, 89, 99], ylim=(shape.size, -1))
    axes[0].set_title(f"latent: {shape.normals} normals,\none-hot class ({DIGIT})", fontsize=9)
    for each, maps in zip(axes[1:], hidden, strict=False):
        height, width, channels = maps.shape
        title = f"{MAPS} of {channels} maps,\n{height} x {width}"
        show(each, tiled(maps[:, :, :MAPS], 4), title)
    show(axes[-1], picture[:, :, 0], f"the picture,\n{picture.shape[0]} x {picture.shape[1]}")
    studio.save("generator.png", drawn(figure))


def draw_walk(studio: Studio) -> None:
    """Two ends, joined on the great circle and by a straight line; and one hand from class to class."""
    generator, shape = network(studio), Architecture().latent
    points = np.stack([latent(shape, seed, ENDS_DIGIT, 1.0) for seed in ENDS])
    classes = np.stack([latent(shape, ENDS[0], digit, 1.0) for digit in CLASSES])
    share = np.linspace(0, 1, STEPS, dtype=np.float32)[:, None]
    paths = {
        "great circle": walk(points, shape.normals, STEPS),
        "straight line": (1 - share) * points[0] + share * points[1],
        f"same normals, class {CLASSES[0]} to {CLASSES[1]}": walk(classes, shape.normals, STEPS),
    }
    figure = Figure((10, 4.6), layout="constrained")
    *rows, lengths = figure.subplots(4, 1, height_ratios=[1, 1, 1, 1.2])
    for axes, (name, path) in zip(rows, paths.items(), strict=True):
        pictures = np.asarray(generator(path))[..., 0]
        show(axes, np.concatenate(list(pictures), axis=1), name)
        lengths.plot(np.linalg.norm(path[:, : shape.normals], axis=1), label=name, marker="o", markersize=3)
    lengths.lines[-1].remove()  # as long all the way
    lengths.set(xlim=(-0.5, STEPS - 0.5), ylim=(0, 12), xticks=[])
    lengths.set_title("length of the latent's 90 normals", fontsize=9)
    lengths.legend(loc="lower left", frameon=False, fontsize=8)
    studio.save("walk.png", drawn(figure))
