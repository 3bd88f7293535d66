"""Messages of Pillow and its libraries: kept out of the log, and put in the service's words."""

import ctypes
import logging
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass

from PIL import Image, _imaging

from shared.errors import AtelierError, CorruptImage, OutOfMemory, UnsupportedImage
from shared.images.structure import Unreadable, Unsupported


@dataclass(frozen=True, slots=True)
class Fault:
    """What a client reads."""

    text: str
    kind: type[AtelierError] = CorruptImage


_DAMAGED = Fault("its data is damaged")
_ENDS = Fault("it ends too early")
_HEADER = Fault("its header is damaged")
_EITHER = Fault("it is damaged or ends too early")
_PALETTE = Fault("its palette is damaged")
_MEMORY = Fault("there was not enough memory", OutOfMemory)
_SAMPLES = Fault("its pixels are of a kind that is not read; save it with 8 bits a sample", UnsupportedImage)
_JPEG = Fault("a JPEG is read with 8 bits a sample, and 1, 3 or 4 samples a pixel", UnsupportedImage)
_BMP = Fault("a BMP of this kind is not read; save it with 24 bits a pixel, or as PNG", UnsupportedImage)
# Patterns of their messages, each with its fault; the first one that is found counts.
_TABLE = (
    (r"unknown pixel mode|unknown data organization|samples per pixel", _SAMPLES),
    (r"cannot handle \d+-(bit|layer)", _JPEG),
    (r"Unsupported BMP", _BMP),
    (r"out of memory", _MEMORY),
    (r"(?i)truncated|incomplete|not enough image data|no more images|not large enough", _ENDS),
    (r"(?i)palette|colormap", _PALETTE),
    (r"(?i)dimensions|header|IFD|not an? \w+ file|marker|configuration|tile|size must", _HEADER),
    (r"create decoder object|not identified", _EITHER),
    (r"broken|decod|data stream|next frame|overrun|invalid|sequence|frame", _DAMAGED),
)


def in_plain_words(error: Exception) -> Fault:
    """Return the fault that an error of a decoder stands for. Nothing of the decoder's own text is in it."""
    if isinstance(error, Unreadable):
        return Fault(str(error), UnsupportedImage if isinstance(error, Unsupported) else CorruptImage)
    message = str(error.args[0]) if error.args else ""
    return next((fault for pattern, fault in _TABLE if re.search(pattern, message)), _EITHER)


def quiet_pillow() -> None:
    """Silence warnings, errors and messages about files, for the whole process, and Pillow's own pixel limit.

    They have numbers and words of the files in them: a client could fill the log, and Python's registry of
    warnings already shown. What is wrong with a file is in an error that names its field.
    """
    warnings.filterwarnings("ignore", category=UserWarning, module=r"PIL\.")
    logging.getLogger("PIL").setLevel(logging.CRITICAL)
    Image.MAX_IMAGE_PIXELS = None
    with suppress(OSError, AttributeError):  # where Pillow has no libtiff, or does not show its functions
        set_handler = ctypes.CDLL(_imaging.__file__).TIFFSetErrorHandler
        set_handler.restype, set_handler.argtypes = ctypes.c_void_p, [ctypes.c_void_p]
        set_handler(None)
