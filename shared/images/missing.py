"""How much of a picture is missing where its file ends too early: of a JPEG by its scans, of a PNG."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from io import BytesIO

from PIL import Image, ImageChops
from PIL.JpegImagePlugin import JpegImageFile

from shared.images.structure import Unreadable

_END = b"\xff\xd9"
_NOISE = b"\x55\xa7\x33\xc9" * 64  # bits that no picture goes on with
_BLOCK = 8  # pixels of a JPEG
_COEFFICIENTS = 64  # of a block
_UNKNOWN = 255
_FINE = 1  # lowest bits that may be unknown: they cannot be seen
# Programs write up to about 20 scans. Each costs a pass over the whole picture, however few bytes it has, so
# a large picture may have fewer: one of 64 megapixels 33, which take about a second.
_MAX_SCANS = 500
_FEWEST_SCANS = 30
_MAX_PASSED = 1 << 31  # pixels of all passes together
_PROGRESSIVE = {0xC2, 0xC6, 0xCA, 0xCE}
_PIECE = 65_536  # bytes of a PNG unpacked at a time
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by color type
# First column, first row, columns and rows apart, of each pass of an interlaced picture.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


@dataclass(slots=True)
class Scans:
    """The scans that were seen. Each gives some coefficients of some components, to some lowest bit."""

    count: int = 0
    most: int = _MAX_SCANS  # of a picture of this size
    _levels: dict[int, bytearray] = field(default_factory=dict)  # by component: unknown low bits
    _is_progressive: bool = False
    _was_fine: bool = False  # before the last scan
    _is_whole: bool = True  # the last scan
    begins_blocks: bool = True  # whether the last scan brings means of blocks, which a small picture shows

    def begin_frame(self, header: bytes, marker: int) -> None:
        """Note the size and the components that the frame header names."""
        pixels = int.from_bytes(header[1:3], "big") * int.from_bytes(header[3:5], "big")
        self.most = min(self.most, max(_FEWEST_SCANS, _MAX_PASSED // max(1, pixels)))
        self._is_progressive = marker in _PROGRESSIVE
        self._levels = {part: bytearray([_UNKNOWN]) * _COEFFICIENTS for part in header[6::3]}

    def add(self, header: bytes, *, is_whole: bool) -> None:
        """Note a scan by its header; raise Unreadable where no honest file has so many."""
        self.count += 1
        if self.count > self.most:
            raise Unreadable(f"it has more than {self.most} scans, too many for a picture of its size")
        components = header[1 : 1 + 2 * header[0] : 2] if header else b""
        first, last, low = self._range(header[-3:])
        self.begins_blocks = first == 0
        self._was_fine, self._is_whole = self._is_fine, is_whole
        for component in components:
            if component in self._levels:
                self._levels[component][first : last + 1] = bytes([low]) * (last + 1 - first)

    @property
    def known(self) -> float | None:
        """Share of the picture, 0 to 1, whose detail is there where the file ends in or behind the last scan.

        None where the last scan brings the detail: only decoding shows how far it goes.
        """
        if self._was_fine or (self._is_fine and self._is_whole):
            return 1.0
        return None if self._is_fine else 0.0

    @property
    def _is_fine(self) -> bool:
        return bool(self._levels) and all(max(levels) <= _FINE for levels in self._levels.values())

    def _range(self, tail: bytes) -> tuple[int, int, int]:
        if not self._is_progressive or len(tail) < 3:
            return 0, _COEFFICIENTS - 1, 0
        return min(tail[0], _COEFFICIENTS - 1), min(tail[1], _COEFFICIENTS - 1), tail[2] & 15


def missing_of_jpeg(picture: bytes, scans: Scans, thorough: bool) -> float:
    """Return the share of the pixels, 0 to 1, that come from behind the end; `picture` ends with a marker.

    Decodes the picture small, once as it is and once with noise at its end: all blocks from the first one
    that differs on are missing. A file of several scans is taken for whole, unless this may be `thorough`:
    its decoder keeps all coefficients in memory.
    """
    if scans.known is not None:
        return 1.0 - scans.known
    if scans.count > 1 and not thorough:
        return 0.0
    scale = _BLOCK if scans.begins_blocks else 2
    still, noisy = (_small(data, scale) for data in (picture, picture.removesuffix(_END) + _NOISE + _END))
    return _share_from_first(ImageChops.difference(still, noisy), 2 * _BLOCK // scale)


def _small(data: bytes, scale: int) -> Image.Image:
    image: Image.Image = JpegImageFile(BytesIO(data))
    image.draft(None, (-(-image.width // scale), -(-image.height // scale)))
    image.load()
    return image


def _share_from_first(differs: Image.Image, block: int) -> float:
    """Return the share from the first pixel on that is not black, in rows of blocks `block` pixels high."""
    first = differs.getbbox()
    if first is None:
        return 0.0
    width, height = differs.size
    top = first[1] // block * block
    bottom = min(top + block, height)
    row = differs.crop((0, top, width, bottom)).getbbox() or (0, 0, 0, 0)
    left = row[0] // block * block
    missing = (height - bottom) * width + (width - left) * (bottom - top)
    return missing / (height * width)


def missing_of_png(header: bytes, bodies: Sequence[memoryview]) -> float:
    """Return the share of the pixels' bytes, 0 to 1, that cannot be unpacked from the bodies of IDAT chunks.

    `header` is the body of IHDR; call this once the size that it states is known to be allowed.
    """
    needed = _raw_bytes(header)
    return 1 - min(needed, _inflated_bytes(bodies, needed)) / needed


def _raw_bytes(header: bytes) -> int:
    """Return the bytes of the unpacked pixels, a filter's number before each row."""
    width, height, depth, color_type, _, _, interlaced = struct.unpack(">IIBBBBB", header)
    bits = depth * _CHANNELS.get(color_type, 1)
    total = 0
    for column, row, across, down in _PASSES if interlaced else ((0, 0, 1, 1),):
        columns, rows = -(-(width - column) // across), -(-(height - row) // down)
        if columns > 0 and rows > 0:
            total += rows * (1 + -(-columns * bits // 8))
    return max(1, total)


def _inflated_bytes(bodies: Sequence[memoryview], most: int) -> int:
    """Return how many bytes come out of the compressed pixels, counted up to `most`."""
    unpacker, count = zlib.decompressobj(), 0
    blocks = (body[at : at + _PIECE] for body in bodies for at in range(0, len(body), _PIECE))
    for block in blocks:
        rest: bytes | memoryview = block
        while rest and count < most:
            count += len(unpacker.decompress(rest, 16 * _PIECE))
            rest = unpacker.unconsumed_tail
    return count
