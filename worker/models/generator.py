"""The digit generator in service: latents in, pictures out, each picture the same whatever goes with it."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.cards import ModelCard
from shared.errors import ModelCorrupt
from worker.models.dcgan import LATENT_SIZE, PICTURE_SHAPE, build_generator
from worker.models.dcgan_weights import read_weights

_MICRO_BATCH = 16


class Generator:
    """A loaded generator; may be called from many threads at once.

    The same latent gives the same bytes whatever its place and company: the network only ever runs on
    exactly 16 latents, missing ones filled with zeros. Kernels sum in another order for another batch size,
    which moves a value by up to 1.5e-6 and then now and then a pixel by one level. The same holds for another
    number of TensorFlow threads or another processor: about one picture in 1,000 differs by a level.
    """

    def __init__(self, card: ModelCard, network: Any, digest: str) -> None:
        self.card = card
        self.digest = digest  # sha256 of the weights file
        signature = tf.TensorSpec((_MICRO_BATCH, LATENT_SIZE), tf.float32)
        self._run = tf.function(
            lambda latents: network(latents, training=False), input_signature=[signature], jit_compile=True
        )

    @classmethod
    def load(cls, card: ModelCard, folder: Path) -> "Generator":
        """Load from a version folder of the model store.

        Raises ModelUnavailable where a file is missing, and ModelCorrupt where the weights are damaged or
        do not belong to a generator of the card's latent and picture.
        """
        _check(card)
        record, weights = read_weights(folder)
        network = build_generator()
        try:
            network.set_weights(weights)
        except ValueError as error:
            raise ModelCorrupt(f"the weights in {folder} are of another network: {error}") from error
        return cls(card, network, record.sha256)

    def warm_up(self) -> None:
        """Trace and compile the network, so that the first job does not pay for it."""
        self.generate(np.zeros((1, LATENT_SIZE), np.float32))

    def generate(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return pictures (n, 28, 28, 1) of 0 (paper) to 255 (ink) for latents (n, 100); n may be 0."""
        starts = range(0, len(latents), _MICRO_BATCH)
        parts = [self._micro_batch(latents[start : start + _MICRO_BATCH]) for start in starts]
        return np.concatenate([np.empty((0, *PICTURE_SHAPE), np.uint8), *parts])

    def _micro_batch(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        padded = np.zeros((_MICRO_BATCH, LATENT_SIZE), np.float32)
        padded[: len(latents)] = latents
        values = self._run(padded).numpy()[: len(latents)]
        levels: NDArray[np.uint8] = np.rint(values * 127.5 + 127.5).astype(np.uint8)
        return levels


def _check(card: ModelCard) -> None:
    latent, picture = card.latent, card.picture
    sides = (picture.height, picture.width, picture.channels) if picture else None
    if latent is None or latent.size != LATENT_SIZE or sides != PICTURE_SHAPE:
        raise ModelCorrupt(
            f"{card.name} must have a latent of {LATENT_SIZE} and a picture of {PICTURE_SHAPE}"
        )
