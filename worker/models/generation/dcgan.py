"""The digit generator's architecture, and the file that carries its weights; needs no TensorFlow.

A deep convolutional GAN (Radford, Metz and Chintala, arXiv:1511.06434). The file holds weights in half
precision, with batch normalization folded in, and beside it lies a record with their sha256. Half precision
halves the file; the network computes in single precision.
"""

import hashlib
import json
import shutil
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray

from shared.cards.card import ModelCard
from shared.cards.parts import Latent, Picture
from shared.errors import ModelCorrupt, ModelUnavailable

NORMALS = 90  # of the latent; the one-hot class follows
SIDES = range(16, 129, 4)  # pixels

WEIGHTS_NAME = "mnist-dcgan.npz"
RECORD_NAME = "mnist-dcgan.json"
BUNDLED_FOLDER = Path(__file__).parent.parent / "weights"

_LAYERS = ("dense", "upsample1", "upsample2", "upsample3")
_KEYS = tuple(f"{layer}/{part}" for layer in _LAYERS for part in ("kernel", "bias"))


@dataclass(frozen=True, slots=True)
class Architecture:
    """The sizes from which those of all layers follow."""

    side: int = 28  # of the square pictures, pixels; one of SIDES
    channels: int = 1  # 1 or 3
    classes: int = 10  # 0: no class can be asked for

    @property
    def latent(self) -> Latent:
        """Sizes of the parts of the input."""
        return Latent(normals=NORMALS, classes=self.classes)

    @property
    def picture(self) -> Picture:
        """The output's size."""
        return Picture(width=self.side, height=self.side, channels=1 if self.channels == 1 else 3)

    @property
    def grid(self) -> tuple[int, int, int]:
        """Height, width and channels of the first feature map."""
        return self.side // 4, self.side // 4, 256

    @property
    def picture_shape(self) -> tuple[int, int, int]:
        """Height, width and channels of a picture."""
        return self.side, self.side, self.channels

    @classmethod
    def of(cls, card: ModelCard) -> "Architecture":
        """Return what a card describes; ModelCorrupt where no such generator can be built."""
        latent, picture = card.latent, card.picture
        if latent is None or picture is None or latent.normals != NORMALS:
            raise ModelCorrupt(f"{card.name} must have a picture and a latent of {NORMALS} normals")
        if picture.width != picture.height or picture.width not in SIDES:
            sides = f"a multiple of 4 from {SIDES[0]} to {SIDES[-1]}"
            raise ModelCorrupt(f"{card.name} must have square pictures, their side {sides}")
        return cls(picture.width, picture.channels, latent.classes)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightsRecord:
    """Facts about a weights file, which lie beside it."""

    sha256: str  # of the weights file
    precision: str  # of the stored numbers
    steps: int  # of the training
    batch_size: int
    seed: int
    data: str  # sha256 of the training pictures and labels


def write_weights(
    folder: Path, weights: list[NDArray[np.float32]], *, hyperparameters: dict[str, Any], data: str
) -> Path:
    """Write the file and its record; return the file's path. Equal weights give equal bytes."""
    path = folder / WEIGHTS_NAME
    halves = {key: array.astype(np.float16) for key, array in zip(_KEYS, weights, strict=True)}
    np.savez_compressed(path, allow_pickle=False, **halves)
    record = WeightsRecord(
        sha256=_sha256(path),
        precision="float16",
        steps=hyperparameters["steps"],
        batch_size=hyperparameters["batch_size"],
        seed=hyperparameters["seed"],
        data=data,
    )
    (folder / RECORD_NAME).write_text(json.dumps(asdict(record), indent=2) + "\n", "utf-8")
    return path


def read_weights(folder: Path) -> tuple[WeightsRecord, list[NDArray[np.float32]]]:
    """Return the record and the weights in Keras order.

    Raises ModelUnavailable where a file is missing, ModelCorrupt where the bytes are not those of the record.
    """
    path, record = folder / WEIGHTS_NAME, read_record(folder)
    try:
        digest = _sha256(path)
    except FileNotFoundError as error:
        raise ModelUnavailable("a file of the model is missing", inside=str(error.filename)) from error
    if digest != record.sha256:
        text = f"{WEIGHTS_NAME} has sha256 {digest}, not {record.sha256} as recorded"
        raise ModelCorrupt(text, inside=str(path))
    return record, _read_arrays(path)


def read_record(folder: Path) -> WeightsRecord:
    """Return the record alone, the weights unchecked; raise as `read_weights` does."""
    try:
        return WeightsRecord(**json.loads((folder / RECORD_NAME).read_text("utf-8")))
    except FileNotFoundError as error:
        raise ModelUnavailable("a file of the model is missing", inside=str(error.filename)) from error
    except (OSError, ValueError, TypeError) as error:
        raise ModelCorrupt(
            f"{RECORD_NAME} is not a record of weights", inside=f"{folder}: {error}"
        ) from error


def copy_weights(source: Path, folder: Path, *, sha256: str | None = None) -> None:
    """Copy a weights file and its record.

    Raises ModelUnavailable where one is missing, ModelCorrupt where the record is of other weights than those
    asked for.
    """
    record = read_record(source)
    if sha256 not in (None, record.sha256):
        raise ModelCorrupt(f"{source} holds weights of sha256 {record.sha256}, not {sha256}")
    for name in (WEIGHTS_NAME, RECORD_NAME):
        try:
            shutil.copyfile(source / name, folder / name)
        except OSError as error:
            raise ModelUnavailable(f"{source / name} cannot be copied: {error}") from error


def build_mnist_dcgan(folder: Path) -> None:
    """Write the weights that the distribution carries, and their record, into an empty folder."""
    copy_weights(BUNDLED_FOLDER, folder)


def _read_arrays(path: Path) -> list[NDArray[np.float32]]:
    try:
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            return [arrays[key].astype(np.float32) for key in _KEYS]
    except (ValueError, KeyError, BadZipFile) as error:
        text = f"{WEIGHTS_NAME} does not hold a generator's weights"
        raise ModelCorrupt(text, inside=f"{path}: {error}") from error


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
