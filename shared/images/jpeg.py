"""Walk a JPEG file: which segments its pixels need, which way up they are, and whether the end is there."""

import re
from dataclasses import dataclass, field, replace
from functools import partial

from shared.images.exif import exif_orientation, orientation_of
from shared.images.missing import Scans, missing_of_jpeg
from shared.images.structure import MAX_PROFILE, MAX_SKIPPED, Budget, Container, Unreadable, parts_of

_MAX_TABLES = 1024 * 1024  # bytes of the segments that Pillow parses entry by entry
_MAX_JUNK = 65_536  # bytes between segments
_MAX_EXIF = 1024 * 1024  # bytes; one segment carries at most 64 KiB
_MARKER = re.compile(rb"[^\xff]*\xff+([^\xff])", re.DOTALL)
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]", re.DOTALL)
_BARE = {0x00, 0x01, 0xC8, *range(0xD0, 0xD9), *range(0xF0, 0xFE)}  # markers without a length
_RESERVED = range(0x02, 0xC0)
_TABLES = {0xDB, 0xDE, *range(0xC0, 0xD0)} - {0xC4, 0xC8, 0xCC}
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_SCAN, _END, _COMMENT = 0xDA, 0xD9, 0xFE
_CLUTTER = frozenset(bytes([marker]) for marker in (_COMMENT, *range(0xE3, 0xEE), 0xEF))  # never looked at
_EXIF, _XMP, _ICC = b"Exif\0\0", b"http://ns.adobe.com/xap/1.0/\0", b"ICC_PROFILE\0"
# Two application segments say how the samples mean colors. Decoders ignore shorter ones.
_COLOR_SEGMENTS = {0xE0: (b"JFIF\0", 14), 0xEE: (b"Adobe", 12)}


def walk_jpeg(data: bytes, max_frames: int) -> Container:
    """Visit all segments up to the end marker; pictures behind it (MPO, gain maps) are not frames."""
    walk = _Walk(data)
    is_whole = walk.run()
    container = Container(
        data=walk.picture(),
        orientation=walk.orientation(),
        profile=walk.profile(),
        exif=b"".join(walk.exif),
        xmp=walk.xmp,
        is_truncated=not is_whole,
    )
    if is_whole:
        return container
    return replace(container, missing=partial(missing_of_jpeg, container.data, walk.scans))


@dataclass(slots=True)
class _Walk:
    data: bytes
    kept: list[bytes | memoryview] = field(default_factory=list)
    color: dict[int, bytes] = field(default_factory=dict)
    exif: list[bytes] = field(default_factory=list)
    xmp: bytes = b""
    icc: list[bytes] = field(default_factory=list)
    scans: Scans = field(default_factory=Scans)
    tables: Budget = field(default_factory=lambda: Budget(_MAX_TABLES))
    junk: Budget = field(default_factory=lambda: Budget(_MAX_JUNK))
    exif_left: int = _MAX_EXIF

    def run(self) -> bool:
        """Visit the segments; return whether the end marker is there."""
        position = 2
        parts = parts_of(self.data)
        while found := _MARKER.match(self.data, position := _skip_clutter(self.data, position)):
            parts.spend()
            self.junk.spend(found.end() - position - 2)
            marker, position = found[1][0], found.end()
            if marker == _END:
                break
            if marker in _BARE:
                continue
            if marker in _RESERVED:
                raise Unreadable("its data is damaged")
            end = position + max(2, int.from_bytes(self.data[position : position + 2], "big"))
            if end > len(self.data):
                found = None
                break
            position = self._visit(marker, position, end)
        if not self.scans.count:
            raise Unreadable("it ends before its pixels")
        return found is not None

    def _visit(self, marker: int, start: int, end: int) -> int:
        """Keep a segment or not; return where the next one begins. `start` is that of its length."""
        if 0xE0 <= marker <= 0xEF or marker == _COMMENT:
            if not self.scans.count:
                self._visit_application(marker, self.data[start + 2 : end])
            return end
        if marker == _SCAN:
            return self._visit_scan(start, end)
        if marker in _TABLES and not self.scans.count:
            self.tables.spend(end - start)
        if marker in _FRAMES:
            self.scans.begin_frame(self.data[start + 2 : end], marker)
        self.kept += [bytes((0xFF, marker)), memoryview(self.data)[start:end]]
        return end

    def _visit_scan(self, start: int, end: int) -> int:
        following = _AFTER_SCAN.search(self.data, end)
        stop = following.start() if following else len(self.data)
        self.scans.add(self.data[start + 2 : end], is_whole=following is not None)
        kept = stop
        if following is None:  # what was lost on the way may have become zeros
            kept = end + len(self.data[end:].rstrip(b"\0").rstrip(b"\xff"))
        self.kept += [b"\xff\xda", memoryview(self.data)[start:kept]]
        return stop

    def _visit_application(self, marker: int, body: bytes) -> None:
        name, least = _COLOR_SEGMENTS.get(marker, (b"", 0))
        if name and body.startswith(name) and len(body) >= least:
            self.color[marker] = body[:least]
        elif marker == 0xE1 and body.startswith(_EXIF) and len(body) <= self.exif_left:
            self.exif.append(body[len(_EXIF) :])
            self.exif_left -= len(body)
        elif marker == 0xE1 and body.startswith(_XMP):
            self.xmp = self.xmp or body[len(_XMP) :]
        elif marker == 0xE2 and body.startswith(_ICC) and len(body) >= 14 and len(self.icc) <= 255:
            self.icc.append(body[12:])

    def picture(self) -> bytes:
        """Return the file with all that decoding needs and nothing else."""
        color = [_color_segment(marker, body) for marker, body in sorted(self.color.items())]
        return b"".join([b"\xff\xd8", *color, *self.kept, b"\xff\xd9"])

    def orientation(self) -> int:
        """Return what the first readable EXIF segment says; one block may go on in the next segment."""
        found = (exif_orientation(exif) for exif in [b"".join(self.exif), *self.exif[1:]])
        return next(filter(None, found), None) or orientation_of(b"", self.xmp)

    def profile(self) -> bytes | None:
        """Return the color profile, put together by its parts' numbers; None where one is missing."""
        parts = sorted(self.icc)
        if not parts or parts[0][1] != len(parts):
            return None
        profile = b"".join(part[2:] for part in parts)
        return profile if len(profile) <= MAX_PROFILE else None


def _skip_clutter(data: bytes, position: int) -> int:
    """Return where the first segment begins that may matter."""
    skipped = Budget(MAX_SKIPPED)
    while data[position : position + 1] == b"\xff" and data[position + 1 : position + 2] in _CLUTTER:
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        skipped.spend()
    return position


def _color_segment(marker: int, body: bytes) -> bytes:
    if marker == 0xE0:
        body = body[:12] + b"\0\0"  # without its thumbnail
    return bytes((0xFF, marker)) + (2 + len(body)).to_bytes(2, "big") + body
