"""Pillow's readers of GIF, TIFF and WebP files, where they differ from viewers or cost too much."""

import ctypes
from io import BytesIO
from typing import Any

from PIL import Image, _imaging, _webp
from PIL.GifImagePlugin import GifImageFile
from PIL.TiffImagePlugin import TiffImageFile
from PIL.WebPImagePlugin import WebPImageFile

_CLEARS, _RESTORES = 2, 3  # disposal methods
_CLEAR = (0, 0, 0, 0)


class ScreenGif(GifImageFile):
    """A GIF whose screen is transparent wherever no frame has drawn: its background color is for none to see.

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

    def load(self) -> Any:
        """Decode the frame in mode RGBA or RGBX where that is possible, else as Pillow does."""
        if self.n_frames == 1 and self._im is None and isinstance(self.fp, BytesIO):
            self._decode(_decode_webp(self.fp.getvalue(), self.size))
        return Image.Image.load(self) if self._is_decoded else super().load()

    def _decode(self, pixels: bytearray | None) -> None:
        if pixels is not None:
            self._mode = "RGBA" if self.mode == "RGBA" else "RGBX"
            self.im = Image.frombuffer(self.mode, self.size, pixels, "raw", self.mode, 0, 1).im
            self._is_decoded = True


def _decode_webp(data: bytes, size: tuple[int, int]) -> bytearray | None:
    """Return four bytes a pixel; None where libwebp cannot be reached, or finds the file damaged."""
    try:
        decode = ctypes.CDLL(_webp.__file__).WebPDecodeRGBAInto
    except (OSError, AttributeError):
        return None
    decode.restype = ctypes.c_void_p
    decode.argtypes = [ctypes.c_char_p, ctypes.c_size_t, ctypes.c_void_p, ctypes.c_size_t, ctypes.c_int]
    pixels = bytearray(4 * size[0] * size[1])
    place = (ctypes.c_char * len(pixels)).from_buffer(pixels)
    return pixels if decode(data, len(data), place, len(pixels), 4 * size[0]) else None


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
