"""Walk a PNG file: its pixels, its colors and its animation. All other parts are left out."""

import struct
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from shared.images.exif import orientation_of, raw_profile, text_of, unpacked
from shared.images.missing import missing_of_png
from shared.images.structure import MAX_PROFILE, MAX_SKIPPED, Budget, Container, Unreadable, parts_of

_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_LENGTHS = {b"gAMA": 4, b"cHRM": 32, b"sRGB": 1, b"cICP": 4}  # of chunks that say what the colors mean
_KEY_LENGTHS = {0: range(2, 3), 2: range(6, 7), 3: range(1, 257)}  # of tRNS, by color type
_WRITTEN = (b"IHDR", *_LENGTHS, b"PLTE", b"tRNS")  # before the pixels, in this order
_MOTION_LENGTHS = {b"acTL": range(8, 9), b"fcTL": range(26, 27), b"fdAT": range(4, 2**31)}
_LOOKED_AT = frozenset({*_WRITTEN, *_MOTION_LENGTHS, b"IDAT", b"IEND", b"iCCP", b"eXIf"})
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
_XMP_KEY = b"XML:com.adobe.xmp"
_RAW_KEYS = (b"Raw profile type exif", b"Raw profile type APP1")  # ImageMagick's names of EXIF
_TEXT_KEYS = tuple(key + b"\0" for key in (_XMP_KEY, *_RAW_KEYS))
_CHUNK_HEAD = struct.Struct(">I4s")


@dataclass(frozen=True, slots=True)
class _Chunk:
    """One chunk of a PNG file."""

    kind: bytes
    body: memoryview  # as far as the file holds it
    check_sum: bytes

    @property
    def is_sound(self) -> bool:
        """Whether the check sum fits."""
        return zlib.crc32(self.body, zlib.crc32(self.kind)).to_bytes(4, "big") == self.check_sum


def walk_png(data: bytes, max_frames: int) -> Container:
    """Visit the chunks up to IEND; what lies behind it is not looked at."""
    walk = _Walk()
    has_ended = walk.run(data)
    if not has_ended and walk.motion[0].kind == b"acTL":
        raise Unreadable("it ends too early: frames of its animation are missing")
    frames = _count_frames(walk.motion, walk.size)
    return Container(
        data=walk.picture(with_motion=frames > 0),
        frames=min(max(1, frames), max_frames + 1),
        orientation=walk.orientation(),
        profile=walk.profile(),
        exif=walk.exif_block(),
        xmp=walk.texts.get(_XMP_KEY, b""),
        is_truncated=not has_ended,
        missing=lambda _: 0.0 if has_ended else walk.missing(),
    )


def _chunks(data: bytes) -> Iterator[_Chunk]:
    """Yield the chunks that may matter, up to where they are cut off or no chunks any more."""
    view, position, parts, skipped = memoryview(data), len(_SIGNATURE), parts_of(data), Budget(MAX_SKIPPED)
    while position + 8 <= len(data):
        length, kind = _CHUNK_HEAD.unpack_from(data, position)
        start, end = position + 8, position + 8 + length
        position = end + 4
        if kind in _LOOKED_AT or (kind in _TEXTS and data.startswith(_TEXT_KEYS, start)):
            parts.spend()
            yield _Chunk(kind, view[start:end], data[end:position])
        elif kind.isalpha():
            skipped.spend()
        else:
            return


@dataclass(slots=True)
class _Walk:
    single: dict[bytes, bytes] = field(default_factory=dict)  # bodies of chunks of which the first one counts
    pixels: list[memoryview] = field(default_factory=list)  # bodies of IDAT
    motion: list[_Chunk] = field(default_factory=list)  # of the animation; the first IDAT holds their place
    exif: bytes = b""
    texts: dict[bytes, bytes] = field(default_factory=dict)  # by key, of which the first one counts

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        width, height = struct.unpack_from(">II", self.single[b"IHDR"])
        return width, height

    def run(self, data: bytes) -> bool:
        """Sort the chunks; return whether the end is there. Raises Unreadable without header or pixels."""
        has_ended = False
        for chunk in _chunks(data):
            if has_ended := chunk.kind == b"IEND":
                break
            self._take(chunk)
        if not self.pixels:
            raise Unreadable("it ends before its pixels")
        return has_ended

    def _take(self, chunk: _Chunk) -> None:
        if not self.single:
            self._begin(chunk)
        elif chunk.kind == b"IDAT":
            self.motion += [] if self.pixels else [chunk]
            self.pixels.append(chunk.body)
        elif chunk.kind in _MOTION_LENGTHS:
            self.motion.append(chunk)
        elif chunk.kind == b"eXIf" and chunk.is_sound:
            self.exif = self.exif or bytes(chunk.body)
        elif chunk.kind in _TEXTS and chunk.is_sound:
            key = bytes(chunk.body[:80]).partition(b"\0")[0]
            if key not in self.texts:
                self.texts[key] = text_of(chunk.kind, bytes(chunk.body))
        elif not self.pixels and chunk.kind not in self.single and self._is_needed(chunk):
            self.single[chunk.kind] = bytes(chunk.body)

    def _begin(self, chunk: _Chunk) -> None:
        if chunk.kind != b"IHDR" or len(chunk.body) != 13 or not chunk.is_sound:
            raise Unreadable("its header is damaged")
        self.single[b"IHDR"] = bytes(chunk.body)

    def _is_needed(self, chunk: _Chunk) -> bool:
        color_type, length = self.single[b"IHDR"][9], len(chunk.body)
        if chunk.kind == b"PLTE":  # elsewhere it is a suggestion for screens of few colors
            if color_type == 3 and not chunk.is_sound:
                raise Unreadable("its palette is damaged")
            return color_type == 3
        fits = (
            length == _LENGTHS.get(chunk.kind)
            or (chunk.kind == b"tRNS" and length in _KEY_LENGTHS.get(color_type, ()))
            or (chunk.kind == b"iCCP" and length <= MAX_PROFILE)
        )
        return fits and chunk.is_sound

    def orientation(self) -> int:
        """Return that of EXIF in a chunk or in a text, else that of XMP."""
        return orientation_of(self.exif_block(), self.texts.get(_XMP_KEY, b""))

    def exif_block(self) -> bytes:
        """Return EXIF of its chunk, else of a text."""
        raw = (raw_profile(self.texts[key]) for key in _RAW_KEYS if key in self.texts)
        return self.exif or next(raw, b"")

    def picture(self, *, with_motion: bool) -> bytes:
        """Return the file with all that decoding needs and nothing else."""
        before = [_chunk(kind, self.single[kind]) for kind in _WRITTEN if kind in self.single]
        pixels = _chunk(b"IDAT", *self.pixels)  # one: each chunk costs Pillow a turn in Python
        parts = [
            pixels if chunk.kind == b"IDAT" else _chunk(chunk.kind, chunk.body)
            for chunk in self.motion
            if with_motion or chunk.kind == b"IDAT"
        ]
        return b"".join([_SIGNATURE, *before, *parts, _chunk(b"IEND")])

    def profile(self) -> bytes | None:
        """Return the color profile; None where there is none, it is damaged, or far too large."""
        _, _, rest = self.single.get(b"iCCP", b"").partition(b"\0")
        return unpacked(rest[1:], MAX_PROFILE) or None if rest[:1] == b"\0" else None

    def missing(self) -> float:
        """Return the share of the pixels' bytes, 0 to 1, that cannot be unpacked."""
        return missing_of_png(self.single[b"IHDR"], self.pixels)


def _chunk(kind: bytes, *bodies: bytes | memoryview) -> bytes:
    check_sum = zlib.crc32(kind)
    for body in bodies:
        check_sum = zlib.crc32(body, check_sum)
    length = sum(map(len, bodies))
    return b"".join([length.to_bytes(4, "big"), kind, *bodies, check_sum.to_bytes(4, "big")])


def _count_frames(motion: Sequence[_Chunk], size: tuple[int, int]) -> int:
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


def _is_sound_motion(motion: Sequence[_Chunk]) -> bool:
    kinds = [chunk.kind for chunk in motion]
    return kinds.count(b"acTL") == 1 and all(
        len(chunk.body) in _MOTION_LENGTHS[chunk.kind] and chunk.is_sound
        for chunk in motion
        if chunk.kind != b"IDAT"
    )


def _lies_within(control: memoryview, size: tuple[int, int]) -> bool:
    width, height, left, top = map(int, struct.unpack_from(">4I", control, 4))
    return width > 0 and height > 0 and left + width <= size[0] and top + height <= size[1]
