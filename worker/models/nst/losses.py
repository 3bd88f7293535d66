"""The losses of style transfer on a network's activations (Gatys et al. 2016, Johnson et al. 2016)."""

from typing import Any

import tensorflow as tf

from shared.cards.card import ModelCard
from shared.errors import ModelCorrupt

_MARGIN = 8  # pixels of reflected border, so that the network's grid can be moved
_SMALL_SIDE = 64  # pixels of the picture by which a network is looked at


class FeatureNetwork:
    """A network of the call convention that `backbones` describes."""

    def __init__(self, card: ModelCard, module: Any) -> None:
        blank = tf.fill([1, _SMALL_SIDE, _SMALL_SIDE, 3], 0.5)
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
        """Return one picture's activations of style and of content, each (h, w, c)."""
        styles, contents = self.of_batch(picture[None])
        return [layer[0] for layer in styles], [layer[0] for layer in contents]

    def of_batch(self, pictures: Any) -> tuple[list[Any], list[Any]]:
        """Return the activations of style and of content of pictures (n, h, w, 3), each (n, h, w, c)."""
        found = self._module(pictures)
        return [found[name] for name in self._style], [found[name] for name in self._content]


def from_place(picture: Any, place: Any) -> Any:
    """Move a picture (h, w, 3) under the network's grid, by reflection where it has no pixels."""
    shape = tf.shape(picture)
    wide = tf.pad(picture, [[0, _MARGIN], [0, _MARGIN], [0, 0]], mode="REFLECT")
    return wide[place[0] : place[0] + shape[0], place[1] : place[1] + shape[1]]


def gram(layer: Any) -> Any:
    """Return the products of all pairs of channels, (c, c), averaged over the pixels."""
    flat = tf.reshape(layer, [-1, layer.shape[-1]])
    return tf.matmul(flat, flat, transpose_a=True) / tf.cast(tf.shape(flat)[0], tf.float32)


def color_gram(picture: Any) -> Any:
    """Return the mean and second moments of the colors: the Gram matrix of (r, g, b, 1)."""
    return gram(tf.pad(picture, [[0, 0], [0, 0], [0, 1]], constant_values=1.0))


def gram_distance(found: Any, wanted: Any) -> Any:
    """Return the squared distance relative to the target's size, so that all layers count alike."""
    return tf.reduce_sum((found - wanted) ** 2) / (tf.reduce_sum(wanted**2) + 1e-12)


def distance(found: Any, wanted: Any) -> Any:
    """Return the mean squared difference in units of the target's variance."""
    return tf.reduce_mean((found - wanted) ** 2) / (tf.math.reduce_variance(wanted) + 1e-6)


def variation(picture: Any) -> Any:
    """Return the squared total variation: the mean squared step between neighbors, down and across."""
    down, across = picture[1:] - picture[:-1], picture[:, 1:] - picture[:, :-1]
    return tf.reduce_mean(down**2) + tf.reduce_mean(across**2)


def mean(values: list[Any]) -> Any:
    """Return the mean of tensors of one shape."""
    return tf.add_n(values) / len(values)
