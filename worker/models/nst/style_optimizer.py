"""Neural style transfer by optimization: how far a picture is from a content and a style, and the gradient.

After Gatys, Ecker & Bethge, "Image Style Transfer Using Convolutional Neural Networks", CVPR 2016
(arXiv:1508.06576). The steps themselves, their sizes and their number belong to `worker.kinds.optimization`.
"""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf

from shared.cards.card import ModelCard
from shared.errors import OutOfMemory
from worker.models.files.hub import load_module
from worker.models.files.manifest import read_manifest
from worker.models.lean_import import complete_import
from worker.models.nst.losses import (
    FeatureNetwork,
    color_gram,
    distance,
    from_place,
    gram,
    gram_distance,
    mean,
    variation,
)
from worker.models.nst.target import PLACES, Array, LossWeights, StyleTarget

_WARM_SIDE = 64  # pixels


class StyleOptimizer:
    """A loaded network of features; safe to call from several threads."""

    def __init__(self, card: ModelCard, digest: str, module: Any) -> None:
        self.card = card
        self.digest = digest  # of the stored files; names the exact weights
        self.features = FeatureNetwork(card, module)
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
            styles, seen = self.features(from_place(picture, place))
            found = [color_gram(picture), *(gram(layer) for layer in styles)]
            style = mean([gram_distance(*pair) for pair in zip(found, grams, strict=True)])
            content = mean([distance(*pair) for pair in zip(seen, contents, strict=True)])
            loss = tf.tensordot(weights, tf.stack([style, content, variation(picture)]), 1)
        return loss, tape.gradient(loss, picture)

    def _activations(self, picture: Any, place: Any) -> list[Any]:
        return self.features(from_place(picture, place))[1]

    def _grams(self, picture: Any) -> list[Any]:
        return [color_gram(picture), *(gram(layer) for layer in self.features(picture)[0])]

    def _signature(self) -> list[Any]:
        """Every size shares one trace, so that memory does not grow with the sizes of pictures seen."""
        sides = (4, *self.features.style_channels)
        grams = tuple(tf.TensorSpec([side, side], tf.float32) for side in sides)
        depths = self.features.content_channels
        contents = tuple(tf.TensorSpec([None, None, depth], tf.float32) for depth in depths)
        return [_PICTURE_SPEC, _PLACE_SPEC, tf.TensorSpec([3], tf.float32), grams, contents]


_PICTURE_SPEC = tf.TensorSpec([None, None, 3], tf.float32)
_PLACE_SPEC = tf.TensorSpec([2], tf.int32)


def _run(function: Any, picture: Array, *rest: Any) -> list[Any]:
    try:
        found = function(tf.constant(picture), *(_tensors(value) for value in rest))
    except tf.errors.ResourceExhaustedError as error:
        raise OutOfMemory(f"TensorFlow had no memory for a picture of shape {picture.shape}") from error
    return [value.numpy() for value in found]


def _tensors(value: Any) -> Any:
    return tuple(map(tf.constant, value)) if isinstance(value, tuple) else tf.constant(value)
