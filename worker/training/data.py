"""The training pictures: read from an .npz, a folder or the MNIST download, and drawn as batches."""

import hashlib
import sys
from collections.abc import Iterable, Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from shared.errors import InvalidRequest
from worker.models.runtime import import_tensorflow

MNIST = "mnist"
MOST_CLASSES = 256
FOLDER_SIDE = 64  # pixels, where a folder of images is read and no size is asked for

_ARRAYS = (("x_train", "y_train"), ("x", "y"), ("images", "labels"))
_MODES = {1: "L", 3: "RGB"}


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


@dataclass(frozen=True, slots=True)
class PictureShape:
    """The size that pictures are converted to; None keeps that of the source."""

    side: int | None = None  # pixels
    channels: int | None = None  # 1 or 3


AS_THEY_ARE = PictureShape()


def load_pictures(source: str, shape: PictureShape = AS_THEY_ARE) -> Pictures:
    """Read the training pictures of "mnist", an .npz or a folder; else raise InvalidRequest.

    An .npz holds uint8 pictures (n, h, w) or (n, h, w, channels) as x_train, x or images, and perhaps whole
    numbers (n,) as y_train, y or labels; a held-out split in it is not read. In a folder every subfolder is
    a class by its name; without subfolders there are no classes. Other sizes are cropped to the square
    in the middle and resampled. Without `shape`, a folder's pictures are made 64 pixels wide and in color.
    """
    if source == MNIST:
        return _from_arrays(*_download(), shape, source)
    path = Path(source)
    if path.is_dir():
        return _read_folder(path, PictureShape(shape.side or FOLDER_SIDE, shape.channels or 3))
    return _from_arrays(*_read_arrays(path), shape, source)


def _read_arrays(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    try:
        # NumPy does not close a file that is no archive, so it is opened here.
        with path.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
            for images, labels in _ARRAYS:
                if images in arrays:
                    return arrays[images], arrays.get(labels)
    except OSError as error:
        raise InvalidRequest.of_field("/data", f"{path} cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, EOFError, BadZipFile) as error:
        detail = f"{path} is not an .npz file of arrays that NumPy has saved, nor a folder of images"
        raise InvalidRequest.of_field("/data", detail) from error
    names = ", ".join(images for images, _ in _ARRAYS)
    raise InvalidRequest.of_field("/data", f"{path} holds no pictures: an array named one of {names}")


def _download() -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    import_tensorflow()
    import keras

    try:
        with redirect_stdout(sys.stderr):  # Keras prints a progress bar
            (images, labels), _ = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when it cannot reach the server
        detail = f"MNIST cannot be downloaded ({error}); give the path of an mnist.npz instead"
        raise InvalidRequest.of_field("/data", detail) from error
    return images, labels


def _from_arrays(
    images: NDArray[np.uint8], labels: NDArray[np.int64] | None, shape: PictureShape, source: str
) -> Pictures:
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in _MODES or not len(images):
        detail = f"the pictures in {source} must be uint8 (n, height, width) with 1 or 3 channels at the end"
        raise InvalidRequest.of_field("/data", detail)
    names = () if labels is None else _class_names(labels, len(images), source)
    side, channels = shape.side or min(images.shape[1:3]), shape.channels or images.shape[3]
    if images.shape[1:] != (side, side, channels):
        images = np.stack([_fit(_to_image(image), side, channels) for image in images])
    given = np.zeros(len(images)) if labels is None else labels
    return Pictures(images, given.astype(np.uint8), names)


def _class_names(labels: NDArray[np.int64], count: int, source: str) -> tuple[str, ...]:
    if labels.shape != (count,) or labels.dtype.kind not in "iu":
        raise InvalidRequest.of_field("/data", f"the labels in {source} must be whole numbers, one a picture")
    if labels.min() < 0 or labels.max() >= MOST_CLASSES:
        detail = f"the labels in {source} must lie between 0 and {MOST_CLASSES - 1}"
        raise InvalidRequest.of_field("/data", detail)
    return tuple(str(number) for number in range(int(labels.max()) + 1))


def _read_folder(folder: Path, shape: PictureShape) -> Pictures:
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    if len(names) > MOST_CLASSES:
        raise InvalidRequest.of_field("/data", f"{folder} has more than {MOST_CLASSES} subfolders")
    kinds = [image_files(folder / name, inside=True) for name in names] or [image_files(folder)]
    if not all(kinds):
        empty = folder / names[kinds.index([])] if names else folder
        raise InvalidRequest.of_field("/data", f"{empty} holds no image files")
    labels = np.repeat(np.arange(len(kinds), dtype=np.uint8), [len(kind) for kind in kinds])
    images = np.stack([_read_image(path, shape) for kind in kinds for path in kind])
    return Pictures(images, labels, names)


def image_files(folder: Path, *, inside: bool = False, also: Iterable[str] = ()) -> list[Path]:
    """Return the files of a folder, and with `inside` of those below it, that are images by their name.

    `also` are suffixes of images that Pillow does not know.
    """
    known = {*Image.registered_extensions(), *also}
    found = folder.rglob("*") if inside else folder.iterdir()
    return sorted(path for path in found if path.suffix.lower() in known and path.is_file())


def _read_image(path: Path, shape: PictureShape) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return _fit(ImageOps.exif_transpose(image), shape.side or FOLDER_SIDE, shape.channels or 3)
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InvalidRequest.of_field("/data", f"{path} cannot be read as an image: {error}") from error


def _to_image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _fit(image: Image.Image, side: int, channels: int) -> NDArray[np.uint8]:
    plain = image.convert(_MODES[channels])
    fitted = ImageOps.fit(plain, (side, side), Image.Resampling.LANCZOS)
    return np.asarray(fitted).reshape(side, side, channels)
