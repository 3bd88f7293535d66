"""Reads training pictures: an .npz of arrays, a folder of images, or the MNIST download."""

import sys
from contextlib import redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from zipfile import BadZipFile

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from shared.errors import InvalidRequest
from worker.models.runtime import import_tensorflow
from worker.training.data import Pictures

MNIST = "mnist"
MOST_CLASSES = 256
FOLDER_SIDE = 64  # pixels, where a folder of images is read and no size is asked for

_ARRAYS = (("x_train", "y_train"), ("x", "y"), ("images", "labels"))
_MODES = {1: "L", 3: "RGB"}


@dataclass(frozen=True, slots=True)
class PictureShape:
    """What the pictures shall be made into; None keeps what the source has."""

    side: int | None = None  # pixels
    channels: int | None = None  # 1 or 3


AS_THEY_ARE = PictureShape()


def load_pictures(source: str, form: PictureShape = AS_THEY_ARE) -> Pictures:
    """Read the training pictures of "mnist", an .npz or a folder; else raise InvalidRequest.

    An .npz holds uint8 pictures (n, h, w) or (n, h, w, channels) as x_train, x or images, and perhaps whole
    numbers (n,) as y_train, y or labels; a held-out split in it is not read. In a folder every subfolder is
    a class by its name; without subfolders there are no classes. Other sizes are cut to a square about the
    middle and resampled. A folder's pictures are 64 pixels wide and in color unless `form` says otherwise.
    """
    if source == MNIST:
        return _from_arrays(*_download(), form, source)
    path = Path(source)
    if path.is_dir():
        return _read_folder(path, PictureShape(form.side or FOLDER_SIDE, form.channels or 3))
    return _from_arrays(*_read_arrays(path), form, source)


def _read_arrays(path: Path) -> tuple[NDArray[np.uint8], NDArray[np.int64] | None]:
    try:
        # NumPy would leave a file open that is no archive, hence our own handle.
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
        with redirect_stdout(sys.stderr):  # Keras draws a bar there
            (images, labels), _ = keras.datasets.mnist.load_data()
    except Exception as error:  # Keras raises a bare Exception when the server is out of reach
        detail = f"MNIST cannot be downloaded ({error}); give the path of an mnist.npz instead"
        raise InvalidRequest.of_field("/data", detail) from error
    return images, labels


def _from_arrays(
    images: NDArray[np.uint8], labels: NDArray[np.int64] | None, form: PictureShape, source: str
) -> Pictures:
    images = images[..., None] if images.ndim == 3 else images
    if images.dtype != np.uint8 or images.ndim != 4 or images.shape[3] not in _MODES or not len(images):
        detail = f"the pictures in {source} must be uint8 (n, height, width) with 1 or 3 channels at the end"
        raise InvalidRequest.of_field("/data", detail)
    names = () if labels is None else _class_names(labels, len(images), source)
    side, channels = form.side or min(images.shape[1:3]), form.channels or images.shape[3]
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


def _read_folder(folder: Path, form: PictureShape) -> Pictures:
    names = tuple(sorted(path.name for path in folder.iterdir() if path.is_dir()))
    if len(names) > MOST_CLASSES:
        raise InvalidRequest.of_field("/data", f"{folder} has more than {MOST_CLASSES} subfolders")
    kinds = [_image_files(folder / name, inside=True) for name in names] or [_image_files(folder)]
    if not all(kinds):
        empty = folder / names[kinds.index([])] if names else folder
        raise InvalidRequest.of_field("/data", f"{empty} holds no image files")
    labels = np.repeat(np.arange(len(kinds), dtype=np.uint8), [len(kind) for kind in kinds])
    images = np.stack([_read_image(path, form) for kind in kinds for path in kind])
    return Pictures(images, labels, names)


def _image_files(folder: Path, *, inside: bool = False) -> list[Path]:
    known = Image.registered_extensions()
    found = folder.rglob("*") if inside else folder.iterdir()
    return sorted(path for path in found if path.suffix.lower() in known and path.is_file())


def _read_image(path: Path, form: PictureShape) -> NDArray[np.uint8]:
    try:
        with Image.open(path) as image:
            return _fit(ImageOps.exif_transpose(image), form.side or FOLDER_SIDE, form.channels or 3)
    except (OSError, ValueError, UnidentifiedImageError, Image.DecompressionBombError) as error:
        raise InvalidRequest.of_field("/data", f"{path} cannot be read as an image: {error}") from error


def _to_image(pixels: NDArray[np.uint8]) -> Image.Image:
    return Image.fromarray(pixels[..., 0] if pixels.shape[2] == 1 else pixels)


def _fit(image: Image.Image, side: int, channels: int) -> NDArray[np.uint8]:
    plain = image.convert(_MODES[channels])
    fitted = ImageOps.fit(plain, (side, side), Image.Resampling.LANCZOS)
    return np.asarray(fitted).reshape(side, side, channels)
