"""Reads tar archives of strangers: regular files and folders, with a bound on everything else that is read.

Not by tarfile: what its parsers and filters let through differs from one patch of Python to the next.
"""

import io
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO, cast

BLOCK = 512  # bytes
MOST_EXTENDED = 64 * 1024  # bytes of a header that extends the next one
MOST_NAME, MOST_PART = 1024, 255  # characters of a path, and of a folder or file in it
_FILES, _FOLDER, _LONG_NAME, _PAX, _PAX_OF_ALL = (b"0", b"\0"), b"5", b"L", b"x", b"g"


class TarRefused(ValueError):
    """Raised when an archive is damaged, or holds what no archive for Atelier needs."""


@dataclass(frozen=True, slots=True)
class TarEntry:
    """One file or folder."""

    name: str  # relative, without "." and ".."; "" for the folder that holds everything
    size: int  # bytes
    is_folder: bool
    offset: int  # of its bytes in the archive


@dataclass(frozen=True, slots=True)
class _Header:
    name: bytes
    size: int
    kind: bytes


class TarReader:
    """Reads one archive from a file that can be searched; one that is compressed is read from its start."""

    def __init__(self, file: BinaryIO, *, most_entries: int) -> None:
        self._file = file
        self._most = most_entries

    def entries(self) -> Iterator[TarEntry]:
        """Yield the files and folders in their order; raise TarRefused at what is neither."""
        position = 0
        extended: dict[str, str] = {}
        for _ in range(self._most + 1):
            header = self._header(position)
            if header is None:
                return
            data = position + BLOCK
            if header.kind in (_PAX, _LONG_NAME, _PAX_OF_ALL):
                extended |= self._extension(header, data)
                position = data + _padded(header.size)
                continue
            entry = _entry(header, extended, data)
            extended = {}
            yield entry
            position = data + _padded(entry.size)
        raise TarRefused(f"it holds more than {self._most} entries")

    def open(self, entry: TarEntry) -> BinaryIO:
        """Return the bytes of an entry as a file. An archive that was cut off has fewer than it says."""
        return cast(BinaryIO, io.BufferedReader(_Part(self._file, entry), BLOCK * 128))

    def _header(self, position: int) -> _Header | None:
        block = self._read(position, BLOCK)
        return None if block == bytes(BLOCK) else _parsed(block)

    def _read(self, position: int, size: int) -> bytes:
        self._file.seek(position)
        data = self._file.read(size)
        if len(data) < size:
            raise TarRefused("it was cut off")
        return data

    def _extension(self, header: _Header, position: int) -> dict[str, str]:
        """Return what a header says of the entry after it."""
        if header.size > MOST_EXTENDED:
            raise TarRefused(f"a header of it has {header.size} bytes; at most {MOST_EXTENDED} are read")
        data = self._read(position, header.size)
        if header.kind == _LONG_NAME:
            return {"path": _text(data.rstrip(b"\0"))}
        return dict(_records(data)) if header.kind == _PAX else {}


class _Part(io.RawIOBase):
    """The bytes of one entry."""

    def __init__(self, file: BinaryIO, entry: TarEntry) -> None:
        self._file = file
        self._at, self._end = entry.offset, entry.offset + entry.size

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: memoryview) -> int:  # type: ignore[override]
        self._file.seek(self._at)
        data = self._file.read(min(len(buffer), self._end - self._at))
        buffer[: len(data)] = data
        self._at += len(data)
        return len(data)


def _padded(size: int) -> int:
    return -(-size // BLOCK) * BLOCK


def _parsed(block: bytes) -> _Header:
    if _octal(block[148:156]) != sum(block[:148]) + 8 * ord(" ") + sum(block[156:]):
        raise TarRefused("a header of it is damaged, or it is no tar archive")
    name = block[:100].partition(b"\0")[0]
    if block[257:263] == b"ustar\0" and (prefix := block[345:500].partition(b"\0")[0]):
        name = prefix + b"/" + name
    return _Header(name, _octal(block[124:136]), block[156:157])


def _octal(field: bytes) -> int:
    text = field.strip(b"\0 ") or b"0"
    if not set(text) <= set(b"01234567"):
        raise TarRefused("a header of it holds no number where one must be")
    return int(text, 8)


def _text(data: bytes) -> str:
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        raise TarRefused("a name in it is no UTF-8") from None


def _records(data: bytes) -> Iterator[tuple[str, str]]:
    """Yield the names and values of a pax header: lines that begin with their length."""
    at = 0
    while at < len(data):
        length, space, _ = data[at : at + 8].partition(b" ")
        end = at + int(length) if length.isdigit() and space else 0
        if end <= at + len(length) + 1 or end > len(data):
            raise TarRefused("an extended header of it is damaged")
        name, _, value = data[at + len(length) + 1 : end - 1].partition(b"=")
        if name in (b"path", b"size"):
            yield name.decode(), _text(value)
        elif name.startswith(b"GNU.sparse."):
            raise TarRefused("it holds a sparse file; only regular files are taken")
        at = end


def _entry(header: _Header, extended: dict[str, str], offset: int) -> TarEntry:
    given = extended.get("path", "") or _text(header.name)
    is_folder = header.kind == _FOLDER or (header.kind in _FILES and given.endswith("/"))
    if not is_folder and header.kind not in _FILES:
        raise TarRefused(f"{given[:MOST_NAME]!r} is a link or a device; only regular files are taken")
    size = extended.get("size", "")
    if size and not (size.isascii() and size.isdigit() and len(size) < 16):
        raise TarRefused("an extended header of it holds no number where one must be")
    name = _checked(given)
    if not name and not is_folder:
        raise TarRefused("a file in it has no name")
    return TarEntry(name, 0 if is_folder else int(size or header.size), is_folder, offset)


def _checked(given: str) -> str:
    """Return a name without what changes nothing in it; raise TarRefused where it may lead elsewhere."""
    parts = [part for part in given.split("/") if part not in ("", ".")]
    if given.startswith("/") or ".." in parts or "\\" in given or not given.isprintable():
        raise TarRefused(f"{given[:MOST_NAME]!r} would lie outside, or is no plain name")
    if len(given) > MOST_NAME or max(map(len, parts), default=0) > MOST_PART:
        raise TarRefused(f"a name in it has more than {MOST_NAME} characters, or {MOST_PART} in one part")
    return "/".join(parts)
