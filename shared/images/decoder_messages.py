"""Say in the service's own words what Pillow and the libraries below it say of a damaged file."""

import re
from dataclasses import dataclass

from shared.errors import AtelierError, CorruptImage, OutOfMemory, UnsupportedImage
from shared.images.structure import Unreadable, Unsupported


@dataclass(frozen=True, slots=True)
class Fault:
    """What a client is told."""

    text: str
    kind: type[AtelierError] = CorruptImage


_DAMAGED = Fault("its data is damaged")
_ENDS = Fault("it ends too early")
_HEADER = Fault("its header is damaged")
_EITHER = Fault("it is damaged or ends too early")

_UNREAD_PIXELS = Fault(
    "its pixels are of a kind that is not read: save it with 8 bits a sample", UnsupportedImage
)
# What Pillow says, and what becomes of it. The first pattern that is found counts.
_TABLE: tuple[tuple[str, Fault], ...] = (
    (r"unknown pixel mode|unknown data organization|samples per pixel", _UNREAD_PIXELS),
    (
        r"cannot handle \d+-(bit|layer)",
        Fault(
            "a JPEG with other than 8 bits a sample and 1, 3 or 4 samples a pixel is not read",
            UnsupportedImage,
        ),
    ),
    (
        r"Unsupported BMP|Windows Media Photo",
        Fault("it is of a kind that is rarely used and not read", UnsupportedImage),
    ),
    (r"out of memory", Fault("there was not enough memory", OutOfMemory)),
    (r"(?i)truncated|incomplete|not enough image data|no more images|buffer is not large", _ENDS),
    (r"(?i)palette|colormap", Fault("its palette is damaged")),
    (r"(?i)dimensions|header|IFD|not a \w+ file|marker|configuration|Tile|Size must|tile", _HEADER),
    (r"create decoder object", _EITHER),
    (r"next frame|broken|decod|data stream|buffer|frame", _DAMAGED),
)


def in_plain_words(error: Exception) -> Fault:
    """Return the fault that an error of a decoder stands for. No text of the decoder's own is in it."""
    if isinstance(error, Unreadable):
        return Fault(str(error), UnsupportedImage if isinstance(error, Unsupported) else CorruptImage)
    said = str(error.args[0]) if error.args else ""
    if not isinstance(error, OSError | SyntaxError | ValueError):
        return _EITHER  # a bare error of Python
    return next((fault for pattern, fault in _TABLE if re.search(pattern, said)), _EITHER)
