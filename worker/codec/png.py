"""Writes PNG files in the time that two passes over the pixels take, without blocking other threads.

Pillow's encoder holds the interpreter's lock while it filters and compresses; NumPy and zlib-ng release it.
zlib-ng writes run lengths as zlib does, byte for byte, in little more than half of the time.
"""

import struct
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from zlib_ng import zlib_ng

Pixels = NDArray[np.uint8]
_Wide = NDArray[np.int16]

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_COLOR_TYPES = {1: 0, 2: 4, 3: 2, 4: 6}  # by samples a pixel: grey, grey and alpha, RGB, RGB and alpha
_PAETH = 4
_LEVEL, _WINDOW_BITS, _MEMORY = 1, 15, 9  # of zlib; with run lengths every level gives the same
_BLOCK_BYTES = 1 << 16  # of pixels worked on at once: they stay in the processor's cache


def write_png(
    picture: Pixels, text: Mapping[str, str], profile: bytes | None = None, exif: bytes = b""
) -> bytes:
    """Return the file for (h, w, 1 to 4): grey or color, each with or without alpha.

    Every row goes through the Paeth filter, then zlib's run lengths and Huffman codes. `text` goes in as iTXt
    chunks in the order of its keys, which are Latin-1 and at most 79 long: equal mappings give equal bytes.
    `profile` is the ICC profile of the colors, `exif` a whole block of it.
    """
    height, width, samples = picture.shape
    header = struct.pack(">IIBBBBB", width, height, 8, _COLOR_TYPES[samples], 0, 0, 0)
    chunks = [_SIGNATURE, _chunk(b"IHDR", header)]
    chunks += [_chunk(b"iCCP", b"ICC\0\0" + zlib_ng.compress(profile))] if profile else []
    chunks += [_chunk(b"eXIf", exif)] if exif else []
    chunks += [_chunk(b"iTXt", _international(key, text[key])) for key in sorted(text)]
    return b"".join([*chunks, _chunk(b"IDAT", _compressed(picture)), _chunk(b"IEND", b"")])


def _chunk(kind: bytes, data: bytes) -> bytes:
    return b"".join(
        (
            struct.pack(">I", len(data)),
            kind,
            data,
            struct.pack(">I", zlib_ng.crc32(data, zlib_ng.crc32(kind))),
        )
    )


def _international(key: str, value: str) -> bytes:
    """Return the content of an iTXt chunk, not compressed and without a language."""
    return key.encode("latin-1", "strict") + b"\0\0\0\0\0" + value.encode()


def _compressed(picture: Pixels) -> bytes:
    height, width, samples = picture.shape
    packer = zlib_ng.compressobj(_LEVEL, zlib_ng.DEFLATED, _WINDOW_BITS, _MEMORY, zlib_ng.Z_RLE)
    rows = np.ascontiguousarray(picture).reshape(height, width * samples)
    return b"".join([*(packer.compress(block.data) for block in _filtered(rows, samples)), packer.flush()])


def _filtered(rows: Pixels, samples: int) -> Iterator[Pixels]:
    """Yield blocks of rows: for each row its filter's number, then the differences from the prediction."""
    height, width = rows.shape
    step = max(1, min(height, _BLOCK_BYTES // width))
    scratch = _Scratch.of(step, width, samples)
    for start in range(0, height, step):
        above = rows[start - 1] if start else np.zeros(width, np.uint8)
        yield scratch.filter(above, rows[start : start + step])


@dataclass(frozen=True, slots=True, eq=False)
class _Scratch:
    """Memory for one block at a time; each row follows the row above it, and begins with an empty pixel."""

    samples: int
    padded: Pixels  # (rows + 1, samples + width)
    wide: _Wide  # (3, rows, width)
    masks: Pixels  # (2, rows, width)
    result: Pixels  # (rows, 1 + width)

    @classmethod
    def of(cls, rows: int, width: int, samples: int) -> "_Scratch":
        padded = np.zeros((rows + 1, samples + width), np.uint8)
        wide, masks = np.empty((3, rows, width), np.int16), np.empty((2, rows, width), np.uint8)
        return cls(samples, padded, wide, masks, np.full((rows, 1 + width), _PAETH, np.uint8))

    def filter(self, above: Pixels, block: Pixels) -> Pixels:
        """Return the filtered block, which the next call overwrites."""
        count, samples = len(block), self.samples
        self.padded[0, samples:] = above
        self.padded[1 : count + 1, samples:] = block
        up, left = self.padded[:count, samples:], self.padded[1 : count + 1, :-samples]
        corner = self.padded[:count, :-samples]
        left_wins, up_wins = self._choose(up, left, corner)
        predicted = _select(left_wins, left, _select(up_wins, up, corner))
        np.subtract(block, predicted, out=self.result[:count, 1:])
        return self.result[:count]

    def _choose(self, up: Pixels, left: Pixels, corner: Pixels) -> tuple[Pixels, Pixels]:
        """Return masks, 255 or 0: where the left pixel predicts best, where the upper one beats the corner.

        With p = left + up - corner, the distances are |p - left| = |up - corner|, |p - up| = |left - corner|
        and |p - corner|; the one on the left wins a draw, then the upper one (PNG, 9.4).
        """
        count = len(up)
        to_left, to_up, to_corner = self.wide[:, :count]
        left_wins, up_wins = self.masks[:, :count]
        np.subtract(up, corner, out=to_left, dtype=np.int16)
        np.subtract(left, corner, out=to_up, dtype=np.int16)
        np.add(to_left, to_up, out=to_corner)
        for distance in (to_left, to_up, to_corner):
            np.abs(distance, out=distance)
        np.less_equal(to_up, to_corner, out=up_wins.view(np.bool_))
        np.minimum(to_up, to_corner, out=to_corner)
        np.less_equal(to_left, to_corner, out=left_wins.view(np.bool_))
        return np.negative(left_wins, out=left_wins), np.negative(up_wins, out=up_wins)


def _select(mask: Pixels, one: Pixels, other: Pixels) -> Pixels:
    """Return `one` where the mask is 255 and `other` where it is 0."""
    mixed = np.bitwise_xor(one, other)
    mixed &= mask
    mixed ^= other
    return mixed
