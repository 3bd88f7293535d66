"""What an optimized picture is compared with, and the weights of the losses. Needs no TensorFlow."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]

# Where the network's grid lies on the picture. A network with strides sees the pixels of its grid better than
# those between. With the grid at four places in turn, at every stride up to 4, the picture shows no grid.
PLACES = ((0, 0), (3, 6), (6, 3), (5, 5))
# With all weights of a job at 1, both content and style can be recognized in the picture. Tuned by eye.
STYLE_SCALE, CONTENT_SCALE, VARIATION_SCALE = 1.0, 0.2, 2.0


@dataclass(frozen=True, slots=True)
class LossWeights:
    """The weights of the losses; all 1 by default."""

    style: float = 1.0
    content: float = 1.0
    variation: float = 1.0

    def scaled(self) -> Array:
        """Return the factors of the three losses."""
        scales = (STYLE_SCALE, CONTENT_SCALE, VARIATION_SCALE)
        return np.multiply((self.style, self.content, self.variation), scales).astype(np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class StyleTarget:
    """The values that a picture is compared with, at one size."""

    grams: tuple[Array, ...]  # the colors' first, then one a style layer
    contents: tuple[tuple[Array, ...], ...]  # activations by place, then by content layer


def blend_grams(styles: Sequence[tuple[tuple[Array, ...], float]]) -> tuple[Array, ...]:
    """Return the weighted mean of several styles' matrices, layer by layer; any positive scale of weights.

    The squared distance from it differs from the weighted mean of the squared distances by a constant alone.
    """
    weights = [weight for _, weight in styles]
    layers = zip(*(grams for grams, _ in styles), strict=True)
    return tuple(np.average(layer, axis=0, weights=weights).astype(np.float32) for layer in layers)
