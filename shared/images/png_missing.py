"""Measure how much of a PNG file's pixels is missing at its end."""

import struct
import zlib
from collections.abc import Sequence

_BLOCK = 65_536  # bytes unpacked at a time
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # by color type
# First column, first row, columns and rows apart, of each pass of an interlaced picture.
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def missing_share(header: bytes, bodies: Sequence[memoryview]) -> float:
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
    blocks = (body[at : at + _BLOCK] for body in bodies for at in range(0, len(body), _BLOCK))
    for block in blocks:
        rest: bytes | memoryview = block
        while rest and count < most:
            count += len(unpacker.decompress(rest, 16 * _BLOCK))
            rest = unpacker.unconsumed_tail
    return count
