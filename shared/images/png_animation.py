"""Tell whether the animation of a PNG file can be played, and how many frames it has."""

import struct
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

MOTION_LENGTHS = {b"acTL": range(8, 9), b"fcTL": range(26, 27), b"fdAT": range(4, 2**31)}


@dataclass(frozen=True, slots=True)
class Chunk:
    """One chunk of a PNG file."""

    kind: bytes
    body: memoryview  # as far as the file holds it
    check_sum: bytes

    @property
    def is_sound(self) -> bool:
        """Whether the check sum fits."""
        return zlib.crc32(self.body, zlib.crc32(self.kind)).to_bytes(4, "big") == self.check_sum


def count_frames(motion: Sequence[Chunk], size: tuple[int, int]) -> int:
    """Return the number of an animation's frames; 0 where there is none, or it is broken and not played."""
    if not motion or motion[0].kind != b"acTL" or not _is_sound_motion(motion):
        return 0
    frames, sequence, has_pixels = 0, 0, True
    for chunk in motion[1:]:
        if chunk.kind == b"fcTL":
            if not has_pixels or not _lies_within(chunk.body, size):
                return 0
            frames += 1
        if chunk.kind != b"IDAT":
            if sequence != int.from_bytes(chunk.body[:4], "big") or not frames:
                return 0
            sequence += 1
        has_pixels = chunk.kind != b"fcTL"
    return frames if has_pixels and frames == int.from_bytes(motion[0].body[:4], "big") else 0


def _is_sound_motion(motion: Sequence[Chunk]) -> bool:
    kinds = [chunk.kind for chunk in motion]
    return kinds.count(b"acTL") == 1 and all(
        len(chunk.body) in MOTION_LENGTHS[chunk.kind] and chunk.is_sound
        for chunk in motion
        if chunk.kind != b"IDAT"
    )


def _lies_within(control: memoryview, size: tuple[int, int]) -> bool:
    width, height, left, top = map(int, struct.unpack_from(">4I", control, 4))
    return width > 0 and height > 0 and left + width <= size[0] and top + height <= size[1]
