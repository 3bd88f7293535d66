"""The training pictures: reading them, and which of them a step sees."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import keras
import numpy as np
from numpy.typing import NDArray

from shared.errors import InvalidRequest

CLASSES = 10


@dataclass(frozen=True, slots=True)
class Digits:
    """Labelled pictures as stored: `images` (n, 28, 28) of 0 to 255, `labels` (n,) of 0 to 9."""

    images: NDArray[np.uint8]
    labels: NDArray[np.uint8]

    @property
    def digest(self) -> str:
        """Return the sha256 of the pictures and labels."""
        digest = hashlib.sha256(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()


@dataclass(frozen=True, slots=True)
class Batch:
    """One step's share: `images` (n, 28, 28, 1) in [-1, 1] and their `labels` (n,)."""

    images: NDArray[np.float32]
    labels: NDArray[np.int32]


def load_digits(source: str) -> Digits:
    """Read the training split of an .npz file, or download it for "mnist"; else raise InvalidRequest.

    The held-out split is never used.
    """
    return _checked(_download() if source == "mnist" else _read(Path(source)), source)


def _read(path: Path) -> Digits:
    try:
        # NumPy would leave a file open that is no archive, hence our own handle.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return Digits(arrays["x_train"], arrays["y_train"])
    except (OSError, ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        detail = f"{path} cannot be read as an .npz with x_train and y_train: {error}"
        raise InvalidRequest.of_field("/data", detail) from error


def _download() -> Digits:
    try:
        (images, labels), _ = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when the server is out of reach
        detail = f"MNIST cannot be downloaded ({error}); give the path of an mnist.npz instead"
        raise InvalidRequest.of_field("/data", detail) from error
    return Digits(images, labels)


def _checked(digits: Digits, source: str) -> Digits:
    images, labels = digits.images, digits.labels
    fits = images.dtype == np.uint8 and images.ndim == 3 and images.shape[1:] == (28, 28)
    if not fits or labels.shape != images.shape[:1] or not len(images):
        detail = f"{source} must hold x_train as uint8 (n, 28, 28) and y_train as (n,)"
        raise InvalidRequest.of_field("/data", detail)
    if labels.min() < 0 or labels.max() >= CLASSES:
        raise InvalidRequest.of_field("/data", f"the labels in {source} must lie between 0 and {CLASSES - 1}")
    return Digits(images, labels.astype(np.uint8))


def batches(digits: Digits, *, size: int, seed: int, start: int) -> Iterator[Batch]:
    """Yield the batches of steps `start`, `start` + 1, and so on without end.

    Each epoch is a shuffle fixed by (seed, epoch), so a step's batch does not depend on where a run began.
    """
    per_epoch = len(digits.images) // size
    if per_epoch == 0:
        raise InvalidRequest.of_field("/batch_size", f"there are only {len(digits.images)} training pictures")
    epoch, first = divmod(start, per_epoch)
    while True:
        order = np.random.default_rng([seed, epoch]).permutation(len(digits.images))
        for number in range(first, per_epoch):
            yield _batch(digits, order[number * size : (number + 1) * size])
        epoch, first = epoch + 1, 0


def _batch(digits: Digits, chosen: NDArray[np.int64]) -> Batch:
    images = digits.images[chosen, :, :, None].astype(np.float32) / np.float32(127.5) - 1
    return Batch(images, digits.labels[chosen].astype(np.int32))
