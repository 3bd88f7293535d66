"""Neural style transfer by optimization: how far a picture is from a content and a style, and the gradient.

After Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016
(arXiv:1508.06576). The steps themselves, their sizes and their number belong to `worker.kinds.optimization`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from shared.cards.card import ModelCard
from shared.errors import ModelCorrupt, OutOfMemory
from worker.models.files.hub import load_module
from worker.models.files.manifest import read_manifest
from worker.models.lean_import import complete_import
from worker.models.nst.target import PLACES, Array, LossWeights, StyleTarget

_MARGIN = 8  # pixels of reflected border, so that the network's grid can be moved
_WARM_SIDE = 64  # pixels


class StyleOptimizer:
    """A loaded network of features; safe to call from several threads."""

    def __init__(self, card: ModelCard, digest: str, module: Any) -> None:
        self.card = card
        self.digest = digest  # of the stored files; names the exact weights
        self._features = _FeatureNetwork(card, module)
        self._evaluate = tf.function(self._losses, autograph=False, input_signature=self._signature())
        self._seen = tf.function(
            self._activations, autograph=False, input_signature=[_PICTURE_SPEC, _PLACE_SPEC]
        )
        self._measure_grams = tf.function(self._grams, autograph=False, input_signature=[_PICTURE_SPEC])

    @classmethod
    def load(cls, card: ModelCard, folder: Path) -> "StyleOptimizer":
        """Load the network from its folder in the model store, which has checked it."""
        complete_import()  # for the gradients
        return cls(card, read_manifest(folder).digest, load_module(folder))

    def warm_up(self) -> None:
        """Run each function once, so that the first job does not wait for TensorFlow's first call."""
        blank = np.full((_WARM_SIDE, _WARM_SIDE, 3), 0.5, np.float32)
        self.evaluate(
            blank, StyleTarget(self.grams(blank), self.contents(blank)), weights=LossWeights(), turn=0
        )

    def grams(self, style: Array) -> tuple[Array, ...]:
        """Return the Gram matrices of a style picture (h, w, 3) in 0..1: one matrix (c, c) a layer."""
        return tuple(_run(self._measure_grams, style))

    def contents(self, content: Array) -> tuple[tuple[Array, ...], ...]:
        """Return a content picture's activations, as seen from each of PLACES."""
        return tuple(tuple(_run(self._seen, content, np.array(place, np.int32))) for place in PLACES)

    def evaluate(
        self, picture: Array, target: StyleTarget, *, weights: LossWeights, turn: int
    ) -> tuple[float, Array]:
        """Return the loss and its gradient, of the picture's shape; `turn` chooses one of PLACES."""
        place = turn % len(PLACES)
        contents = target.contents[place]
        origin = np.array(PLACES[place], np.int32)
        found = _run(self._evaluate, picture, origin, weights.scaled(), target.grams, contents)
        return float(found[0]), found[1]

    def _losses(self, picture: Any, place: Any, weights: Any, grams: Any, contents: Any) -> tuple[Any, Any]:
        with tf.GradientTape(watch_accessed_variables=False) as tape:
            tape.watch(picture)
            styles, seen = self._features(_from_place(picture, place))
            found = [_color_gram(picture), *(_gram(layer) for layer in styles)]
            style = _mean([_gram_distance(*pair) for pair in zip(found, grams, strict=True)])
            content = _mean([_distance(*pair) for pair in zip(seen, contents, strict=True)])
            loss = tf.tensordot(weights, tf.stack([style, content, _variation(picture)]), 1)
        return loss, tape.gradient(loss, picture)

    def _activations(self, picture: Any, place: Any) -> list[Any]:
        return self._features(_from_place(picture, place))[1]

    def _grams(self, picture: Any) -> list[Any]:
        return [_color_gram(picture), *(_gram(layer) for layer in self._features(picture)[0])]

    def _signature(self) -> list[Any]:
        """Every size shares one trace, so that memory does not grow with the sizes of pictures seen."""
        sides = (4, *self._features.style_channels)
        grams = tuple(tf.TensorSpec([side, side], tf.float32) for side in sides)
        depths = self._features.content_channels
        contents = tuple(tf.TensorSpec([None, None, depth], tf.float32) for depth in depths)
        return [_PICTURE_SPEC, _PLACE_SPEC, tf.TensorSpec([3], tf.float32), grams, contents]


_PICTURE_SPEC = tf.TensorSpec([None, None, 3], tf.float32)
_PLACE_SPEC = tf.TensorSpec([2], tf.int32)


class _FeatureNetwork:
    """A network of the call convention that `backbones` describes, for one picture without its batch."""

    def __init__(self, card: ModelCard, module: Any) -> None:
        blank = tf.fill([1, _WARM_SIDE, _WARM_SIDE, 3], 0.5)
        try:
            found = module(blank)
            depths = {name: int(value.shape[3]) for name, value in found.items()}
        except (TypeError, ValueError, AttributeError, IndexError) as error:
            text = f"the SavedModel of {card.name} cannot be called as module(picture) for named activations"
            raise ModelCorrupt(text, inside=str(error)) from error
        self._module = module
        self._style = sorted(name for name in depths if name.startswith("style"))
        self._content = sorted(name for name in depths if name.startswith("content"))
        if not self._style or not self._content:
            raise ModelCorrupt(f"{card.name} gives {sorted(depths)}, not activations of style and content")
        self.style_channels = [depths[name] for name in self._style]
        self.content_channels = [depths[name] for name in self._content]

    def __call__(self, picture: Any) -> tuple[list[Any], list[Any]]:
        """Return the activations of style and of content, each (h, w, c)."""
        found = self._module(picture[None])
        return [found[name][0] for name in self._style], [found[name][0] for name in self._content]


def _run(function: Any, picture: Array, *rest: Any) -> list[Any]:
    try:
        found = function(tf.constant(picture), *(_tensors(value) for value in rest))
    except tf.errors.ResourceExhaustedError as error:
        raise OutOfMemory(f"TensorFlow had no memory for a picture of shape {picture.shape}") from error
    return [value.numpy() for value in found]


def _tensors(value: Any) -> Any:
    return tuple(map(tf.constant, value)) if isinstance(value, tuple) else tf.constant(value)


def _from_place(picture: Any, place: Any) -> Any:
    """Move the picture under the network's grid, by reflection where it has no pixels."""
    shape = tf.shape(picture)
    wide = tf.pad(picture, [[0, _MARGIN], [0, _MARGIN], [0, 0]], mode="REFLECT")
    return wide[place[0] : place[0] + shape[0], place[1] : place[1] + shape[1]]


def _gram(layer: Any) -> Any:
    """Return the products of all pairs of channels, (c, c), averaged over the pixels."""
    flat = tf.reshape(layer, [-1, layer.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[0], tf.float32)


def _color_gram(picture: Any) -> Any:
    """Return the mean and second moments of the colors: the Gram matrix of (r, g, b, 1)."""
    return _gram(tf.pad(picture, [[0, 0], [0, 0], [0, 1]], constant_values=1.0))


def _gram_distance(found: Any, wanted: Any) -> Any:
    """Return the squared distance relative to the target's size, so that all layers count alike."""
    return tf.reduce_sum((found - wanted) ** 2) / (tf.reduce_sum(wanted**2) + 1e-12)


def _distance(found: Any, wanted: Any) -> Any:
    """Return the mean squared difference in units of the target's variance."""
    return tf.reduce_mean((found - wanted) ** 2) / (tf.math.reduce_variance(wanted) + 1e-6)


def _variation(picture: Any) -> Any:
    """Return the squared total variation: the mean squared step between neighbors, down and across."""
    down, across = picture[1:] - picture[:-1], picture[:, 1:] - picture[:, :-1]
    return tf.reduce_mean(down**2) + tf.reduce_mean(across**2)


def _mean(values: list[Any]) -> Any:
    return tf.add_n(values) / len(values)
