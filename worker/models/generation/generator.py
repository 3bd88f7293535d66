"""The digit generator as a Keras model, as plain TensorFlow, and the loaded generator that answers jobs.

At 28 x 28 pixels and one channel it has the layers of the well-known digit generator; other sizes differ in
the width of the first layer alone.
"""

from collections.abc import Callable
from functools import cached_property, partial, reduce
from math import prod
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.cards.card import ModelCard
from shared.errors import ModelCorrupt
from worker.models.generation.dcgan import Architecture, read_weights
from worker.models.runtime import memory_errors

if TYPE_CHECKING:
    import keras

UPSAMPLINGS = ((128, 1), (64, 2))  # filters and stride of the hidden transposed convolutions
LAST_STRIDE = 2
KERNEL = 5
LEAST_ROWS = 2  # of the first layer
_FEW = (1, 2)  # latents in one call, in the order in which they are tried
_WHOLE_BATCH = (
    8  # a full batch of sixteen takes the time of three latents alone: up to an eighth of it is few
)

Weights = list[NDArray[np.float32]]  # in Keras order
Latents = NDArray[np.float32]  # (n, latent size)
Pictures = NDArray[np.uint8]  # (n, height, width, channels)


class GeneratorNetwork(tf.Module):  # type: ignore[misc]
    """The serving form: latents (n, size) to pictures (n, side, side, channels) in [-1, 1].

    `build_generator` gives the same network, to the bit, but by Keras, which costs a worker's start seconds.
    """

    def __init__(self, architecture: Architecture, weights: Weights) -> None:
        """Take weights in Keras order; raise ValueError where they are of another network."""
        super().__init__(name="generator")
        shapes = _weight_shapes(architecture)
        found = [array.shape for array in weights]
        if found != shapes:
            raise ValueError(f"the weights have the shapes {found}, not {shapes}")
        variables = [tf.Variable(array, trainable=False) for array in weights]
        dense, *hidden, last = zip(variables[::2], variables[1::2], strict=True)  # kernel and bias of each
        self.layers: tuple[Callable[[Any], Any], ...] = (
            partial(_dense, *dense),
            partial(_in_grid, architecture.grid),
            *(
                partial(_enlarged, *parts, stride, _relu)
                for parts, (_, stride) in zip(hidden, UPSAMPLINGS, strict=True)
            ),
            partial(_enlarged, *last, LAST_STRIDE, tf.tanh),
        )

    def __call__(self, latents: Any) -> Any:
        """Draw exactly as many pictures as a graph's signature says."""
        return reduce(lambda values, layer: layer(values), self.layers, latents)


# Not by `tf.nn`: its import executes the predecessor of Keras, a second of a start.
def _relu(x: Any) -> Any:
    return tf.raw_ops.Relu(features=x)


def _dense(kernel: Any, bias: Any, x: Any) -> Any:
    return _relu(x @ kernel + bias)


def _in_grid(grid: tuple[int, int, int], x: Any) -> Any:
    return tf.reshape(x, (x.shape[0], *grid))


def _enlarged(kernel: Any, bias: Any, stride: int, activation: Callable[[Any], Any], x: Any) -> Any:
    """Return a transposed convolution, padded to "SAME"."""
    count, height, width, _ = x.shape
    convolved = tf.raw_ops.Conv2DBackpropInput(
        input_sizes=(count, height * stride, width * stride, kernel.shape[2]),
        filter=kernel,
        out_backprop=x,
        strides=[1, stride, stride, 1],
        padding="SAME",
    )
    return activation(convolved + bias)


def _weight_shapes(architecture: Architecture) -> list[tuple[int, ...]]:
    """Return the shapes of kernel and bias of each layer."""
    units = prod(architecture.grid)
    shapes: list[tuple[int, ...]] = [(architecture.latent.size, units), (units,)]
    given = architecture.grid[2]
    for filters in (*(filters for filters, _ in UPSAMPLINGS), architecture.channels):
        shapes += [(KERNEL, KERNEL, filters, given), (filters,)]
        given = filters
    return shapes


def build_generator(architecture: Architecture) -> "keras.Model":
    """Return the serving form as a Keras model: latents (n, size) to pictures in [-1, 1].

    It has no normalization; training's is folded into the weights.
    """
    import keras
    from keras import layers

    hidden = [
        layers.Conv2DTranspose(filters, KERNEL, stride, "same", activation="relu")
        for filters, stride in UPSAMPLINGS
    ]
    return keras.Sequential(
        [
            keras.Input((architecture.latent.size,)),
            layers.Dense(prod(architecture.grid), activation="relu"),
            layers.Reshape(architecture.grid),
            *hidden,
            layers.Conv2DTranspose(architecture.channels, KERNEL, LAST_STRIDE, "same", activation="tanh"),
        ],
        name="generator",
    )


def in_micro_batches(
    draw: Callable[[Latents], Pictures], latents: Latents, *, size: int, picture_shape: tuple[int, int, int]
) -> Pictures:
    """Draw any number of latents, 0 too, in batches of `size`; a batch that is not full is filled with zeros.

    So a picture is the same in any batch: kernels sum in another order for another batch size, and then a
    pixel sometimes moves by one level.
    """
    starts = range(0, len(latents), size)
    parts = [_padded(draw, latents[start : start + size], size) for start in starts]
    return np.concatenate([np.empty((0, *picture_shape), np.uint8), *parts])


def _padded(draw: Callable[[Latents], Pictures], latents: Latents, size: int) -> Pictures:
    batch = np.zeros((size, latents.shape[1]), np.float32)
    batch[: len(latents)] = latents
    return draw(batch)[: len(latents)]


class Generator:
    """A loaded generator; may be called from many threads at once.

    The same latent gives the same bytes, whatever its place and whatever is generated with it: the network
    runs on exactly as many latents as the card's `max_batch`, missing ones filled with zeros. One or two go
    alone, or as a pair, where `warm_up` found that this gives the same numbers to the last bit. Where kernels
    sum in another order for another batch size, a value moves by up to 1.5e-6 and then sometimes a pixel by
    one level. The same holds for another number of TensorFlow threads or another processor: about one picture
    in 1,000 differs by a level.
    """

    def __init__(self, card: ModelCard, architecture: Architecture, network: Any, digest: str) -> None:
        self.card = card
        self.digest = digest  # names the exact weights
        self._latent_size, self._picture_shape = architecture.latent.size, architecture.picture_shape
        self._network = network
        self._run = self._compiled(card.max_batch)
        self._few = card.max_batch, self._run  # for few latents: how many at once, and the network for these

    def _compiled(self, size: int) -> Callable[[Latents], Any]:
        """Return the network for exactly `size` latents, compiled when it is first called.

        The first layer never has fewer than two rows: a single one it would sum in another order. All others
        work on each picture by itself.
        """

        def draw(latents: Any) -> Any:
            first, *others = self._network.layers
            values = first(tf.pad(latents, [[0, max(0, LEAST_ROWS - size)], [0, 0]]))[:size]
            for layer in others:
                values = layer(values)
            return values

        signature = tf.TensorSpec((size, self._latent_size), tf.float32)
        return tf.function(  # type: ignore[no-any-return]
            draw, input_signature=[signature], jit_compile=True, autograph=False
        )

    @classmethod
    def load(cls, card: ModelCard, folder: Path, *, digest: str = "") -> "Generator":
        """Load from a version folder of the model store; without a digest, that of the weights file is taken.

        Raises ModelUnavailable where a file is missing, and ModelCorrupt where the weights are damaged or
        do not belong to a generator of the card's latent and picture.
        """
        architecture = Architecture.of(card)
        record, weights = read_weights(folder)
        try:
            network = GeneratorNetwork(architecture, weights)
        except ValueError as error:
            text = f"the weights of {card.name} are of another network"
            raise ModelCorrupt(text, inside=f"{folder}: {error}") from error
        return cls(card, architecture, network, digest or record.sha256)

    def warm_up(self) -> None:
        """Trace and compile the network, so that the first job does not wait for it; see what few may do."""
        probe = np.random.default_rng(0).standard_normal((self.card.max_batch, self._latent_size), np.float32)
        together = self._values(probe, self._run)
        for size in _FEW:
            run = self._compiled(size)
            parts = [self._values(part, run) for part in np.split(probe, range(size, len(probe), size))]
            if np.array_equal(np.concatenate(parts), together):
                self._few = size, run
                return

    def generate(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return pictures (n, height, width, channels), 0 to 255, for latents (n, size); n may be 0."""
        is_few = len(latents) <= self.card.max_batch // _WHOLE_BATCH
        size, run = self._few if is_few else (self.card.max_batch, self._run)
        draw = partial(self._draw, run=run)
        return in_micro_batches(draw, latents, size=size, picture_shape=self._picture_shape)

    def generate_smaller(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return the pictures of `generate`, up to a level, with half as many latents at once."""
        half = max(1, self.card.max_batch // 2)
        draw = partial(self._draw, run=self._half)
        return in_micro_batches(draw, latents, size=half, picture_shape=self._picture_shape)

    @cached_property
    def _half(self) -> Callable[[Latents], Any]:
        return self._compiled(max(1, self.card.max_batch // 2))

    def _draw(self, latents: NDArray[np.float32], *, run: Callable[[Latents], Any]) -> NDArray[np.uint8]:
        values = self._values(latents, run)
        levels: NDArray[np.uint8] = np.rint(values * 127.5 + 127.5).astype(np.uint8)
        return levels

    def _values(self, latents: Latents, run: Callable[[Latents], Any]) -> NDArray[np.float32]:
        with memory_errors(f"for latents of shape {latents.shape}"):
            return np.asarray(run(latents))
