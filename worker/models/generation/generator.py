"""A generator in service: latents in, pictures out, each picture the same whatever goes with it."""

from pathlib import Path
from typing import Any

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from shared.cards.card import ModelCard
from shared.errors import ModelCorrupt
from worker.models.generation.dcgan import build_generator
from worker.models.generation.dcgan_architecture import Architecture
from worker.models.generation.dcgan_weights import read_weights
from worker.models.generation.fixed_batches import in_micro_batches


class Generator:
    """A loaded generator; may be called from many threads at once.

    The same latent gives the same bytes whatever its place and company: the network only ever runs on
    exactly as many latents as the card's `max_batch`, missing ones filled with zeros. Kernels sum in another
    order for another batch size, which moves a value by up to 1.5e-6 and then now and then a pixel by one
    level. The same holds for another number of TensorFlow threads or another processor: about one picture
    in 1,000 differs by a level.
    """

    def __init__(self, card: ModelCard, architecture: Architecture, network: Any, digest: str) -> None:
        self.card = card
        self.digest = digest  # names the exact weights
        self._latent_size, self._picture_shape = architecture.latent.size, architecture.picture_shape
        signature = tf.TensorSpec((card.max_batch, self._latent_size), tf.float32)
        self._run = tf.function(
            lambda latents: network(latents, training=False), input_signature=[signature], jit_compile=True
        )

    @classmethod
    def load(cls, card: ModelCard, folder: Path, *, digest: str = "") -> "Generator":
        """Load from a version folder of the model store; without its digest, the weights file's stands.

        Raises ModelUnavailable where a file is missing, and ModelCorrupt where the weights are damaged or
        do not belong to a generator of the card's latent and picture.
        """
        architecture = Architecture.of(card)
        record, weights = read_weights(folder)
        network = build_generator(architecture)
        try:
            network.set_weights(weights)
        except ValueError as error:
            raise ModelCorrupt(f"the weights in {folder} are of another network: {error}") from error
        return cls(card, architecture, network, digest or record.sha256)

    def warm_up(self) -> None:
        """Trace and compile the network, so that the first job does not pay for it."""
        self.generate(np.zeros((1, self._latent_size), np.float32))

    def generate(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        """Return pictures (n, height, width, channels), 0 to 255, for latents (n, size); n may be 0."""
        return in_micro_batches(
            self._draw, latents, size=self.card.max_batch, picture_shape=self._picture_shape
        )

    def _draw(self, latents: NDArray[np.float32]) -> NDArray[np.uint8]:
        levels: NDArray[np.uint8] = np.rint(self._run(latents).numpy() * 127.5 + 127.5).astype(np.uint8)
        return levels
