"""Pillow's readers of GIF, TIFF and WebP, where they differ from viewers or cost too much; its messages."""

import ctypes
import logging
import re
import warnings
from contextlib import suppress
from dataclasses import dataclass
from io import BytesIO
from typing import Any

from PIL import Image, _imaging
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

from shared.errors import AtelierError, CorruptImage, OutOfMemory, UnsupportedImage
from shared.images.structure import Unreadable, Unsupported
from shared.images.webp import decode_webp, is_lossless

_CLEARS, _RESTORES = 2, 3  # disposal methods
_CLEAR = (0, 0, 0, 0)


class ScreenGif(GifImageFile):
    """A GIF whose screen is transparent wherever no frame has drawn: its background color is not shown.

    Its first frame, where it is smaller or others follow, becomes RGBA.
    """

    def _seek(self, frame: int, update_image: bool = True) -> None:
        """Clear what a frame covered where Pillow would paint it in the background color."""
        if frame == 1 and update_image:
            self.load()
            self._lay_over_screen()
        super()._seek(frame, update_image)
        extent = self.dispose_extent
        if not (update_image and extent):
            return
        if self.disposal_method == _CLEARS or (self.disposal_method == _RESTORES and frame == 0):
            size = extent[2] - extent[0], extent[3] - extent[1]
            self.dispose = _imaging.fill("RGBA", size, _CLEAR)

    def load_end(self) -> None:
        """Lay the first frame, where it is smaller, over a clear screen."""
        super().load_end()
        if self.tell() == 0 and self.dispose_extent != (0, 0, *self.size):
            self._lay_over_screen()

    def _lay_over_screen(self) -> None:
        extent = self.dispose_extent
        if self.mode == "RGBA" or extent is None:
            return
        screen = _imaging.fill("RGBA", self.size, _CLEAR)
        screen.paste(self._with_alpha(self._crop(self.im, extent)), extent)
        self.im, self._mode = screen, "RGBA"

    def _with_alpha(self, frame: Any) -> Any:
        key = self.info.pop("transparency", None)
        if key is None:
            return frame.convert("RGBA")
        if self.mode == "L":
            return frame.convert("RGB").convert_transparent("RGBA", (key, key, key))
        frame.putpalettealpha(key, 0)
        return frame.convert("RGBA")


class StillWebp(WebPImageFile):
    """A WebP whose only frame is decoded once, in one place: by Pillow's way four copies are made of it."""

    _is_decoded = False
    _whole: tuple[int, int] | None = None  # the stored size, where a draft is to be loaded

    def draft(self, mode: str | None, size: tuple[int, int] | None) -> Any:
        """Reduce a lossless picture by whole factors, to no less than `size`, as those of a JPEG."""
        data = self._still()
        if size is None or data is None or not is_lossless(data):
            return None
        self._whole = width, height = self.size
        factors = max(1, width // size[0]), max(1, height // size[1])
        self._size = -(-width // factors[0]), -(-height // factors[1])
        return self.mode, (0, 0, width / factors[0], height / factors[1])

    def load(self) -> Any:
        """Decode the frame in mode RGBA or RGBX where that is possible, else as Pillow does."""
        data = self._still()
        if data is not None:
            self._take(decode_webp(data, self.size, is_reduced=self._whole not in (None, self.size)))
        return Image.Image.load(self) if self._is_decoded else super().load()

    def _still(self) -> bytes | None:
        if self.n_frames == 1 and self._im is None and isinstance(self.fp, BytesIO):
            return self.fp.getvalue()
        return None

    def _take(self, pixels: bytearray | None) -> None:
        if pixels is None:
            self._size = self._whole or self.size
            return
        self._mode = "RGBA" if self.mode == "RGBA" else "RGBX"
        self.im = Image.frombuffer(self.mode, self.size, pixels, "raw", self.mode, 0, 1).im
        self._is_decoded = True


class StoredTiff(TiffImageFile):
    """A TIFF whose picture stays as it is stored, whichever way up: it is turned like those of all formats.

    So Pillow need not read its EXIF directories either.
    """

    def _open(self) -> None:
        super()._open()
        self._size = self._tile_size  # and not with its sides exchanged

    def getexif(self) -> Image.Exif:
        """Return nothing: by this Pillow would turn the picture."""
        return Image.Exif()


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
