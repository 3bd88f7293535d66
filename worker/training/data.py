"""The training pictures in memory, and which of them a step sees."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest


@dataclass(frozen=True, slots=True)
class Pictures:
    """Square pictures with their classes."""

    images: NDArray[np.uint8]  # (n, side, side, channels), 0 to 255
    labels: NDArray[np.uint8]  # (n,); all 0 where there are no classes
    classes: tuple[str, ...] = ()  # names, by label; empty: the pictures are of one kind

    @property
    def digest(self) -> str:
        """Return the sha256 of the pictures and labels."""
        digest = hashlib.sha256(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class TrainingBatch:
    """One step's share: `images` (n, side, side, channels) in [-1, 1] and their `labels` (n,)."""

    images: NDArray[np.float32]
    labels: NDArray[np.int32]


def batches(pictures: Pictures, *, size: int, seed: int, start: int) -> Iterator[TrainingBatch]:
    """Yield the batches of steps `start`, `start` + 1, and so on without end.

    Each epoch is a shuffle fixed by (seed, epoch), so a step's batch does not depend on where a run began.
    """
    per_epoch = len(pictures.images) // size
    if per_epoch == 0:
        detail = f"there are only {len(pictures.images)} training pictures"
        raise InvalidRequest.of_field("/batch_size", detail)
    epoch, first = divmod(start, per_epoch)
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(len(pictures.images))
        for number in range(first, per_epoch):
            yield _batch(pictures, order[number * size : (number + 1) * size])
        epoch, first = epoch + 1, 0


def to_signed(images: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Map levels 0 to 255 to [-1, 1], as the networks take them."""
    signed: NDArray[np.float32] = images.astype(np.float32) / np.float32(127.5) - 1
    return signed


def to_levels(values: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Map [-1, 1] to levels 0 to 255."""
    levels: NDArray[np.uint8] = np.rint(values * 127.5 + 127.5).astype(np.uint8)
    return levels


def _batch(pictures: Pictures, chosen: NDArray[np.int64]) -> TrainingBatch:
    return TrainingBatch(to_signed(pictures.images[chosen]), pictures.labels[chosen].astype(np.int32))
