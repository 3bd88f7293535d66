"""Finds the photos of folders: in order, without hidden files, never round in circles."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from stat import S_ISDIR, S_ISREG

from atelier.folder_batch.state_file import FILE
from shared.errors import UnsupportedImage
from shared.images.limits import ImageLimits
from shared.images.probe import format_of

FEW = 3  # files that are named
HEAD_BYTES = 4096  # of a file: enough to know its format
Identity = tuple[int, int]  # device and inode
Leave = Callable[[Path], None]  # called with a folder that is left out
PICTURE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".gif", ".bmp", ".tif", ".tiff"}
    | {".heic", ".heif", ".hif", ".avif"}
    | {".jxl", ".jp2"}  # that the service does not read, as the next ones
    | {".dng", ".cr2", ".cr3", ".nef", ".arw", ".orf", ".rw2", ".raf", ".pef", ".srw"}
)


@dataclass(frozen=True, slots=True)
class Photo:
    """A file that may be a picture."""

    path: Path
    name: str  # below the folder that was given, with slashes
    stamp: tuple[int, int]  # size in bytes, time of change in nanoseconds


@dataclass(frozen=True, slots=True)
class Unread:
    """A file or folder that could not be read."""

    name: str
    reason: str


def find(
    sources: Iterable[Path], *, outside: Path, leave: Leave = lambda _: None
) -> Iterator[Photo | Unread]:
    """Yield the files of all sources, which are files and folders; nothing below the folder `outside`.

    Folders below a source that hold what `atelier batch` made are left out too; `leave` is called with each.
    Of several folders, each one's name begins the names of its photos.
    """
    given = list(sources)
    several = sum(source.is_dir() for source in given) > 1
    forbidden = _identity(outside)
    for source in given:
        if source.is_dir():
            prefix = f"{source.resolve().name}/" if several else ""
            yield from _walk(source, prefix, above=frozenset({forbidden}), leave=leave)
        else:
            yield from _one(source, source.name, above=frozenset(), leave=leave)


def _identity(path: Path) -> Identity | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _walk(
    folder: Path, prefix: str, *, above: frozenset[Identity | None], leave: Leave
) -> Iterator[Photo | Unread]:
    """Yield a folder's files and those of its folders; `above` are the folders that are not entered."""
    here = _identity(folder)
    if here in above:
        return
    try:
        names = sorted(path.name for path in folder.iterdir())
    except OSError as error:
        yield Unread(prefix.rstrip("/") or str(folder), f"the folder cannot be read: {error.strerror}")
        return
    for name in names:
        if not name.startswith("."):
            yield from _one(folder / name, prefix + name, above=above | {here}, leave=leave)


def _one(
    path: Path, name: str, *, above: frozenset[Identity | None], leave: Leave
) -> Iterator[Photo | Unread]:
    try:
        found = path.stat()
    except OSError as error:
        yield Unread(name, error.strerror or "it cannot be looked at")
        return
    if S_ISDIR(found.st_mode) and _identity(path / FILE):
        leave(path)
    elif S_ISDIR(found.st_mode):
        yield from _walk(path, f"{name}/", above=above, leave=leave)
    elif S_ISREG(found.st_mode):
        yield Photo(path, name, (found.st_size, found.st_mtime_ns))


def why_not_an_image(head: bytes) -> str | None:
    """Return why a file is none that the service reads, by its beginning; None where it may be one."""
    try:
        format_of(head, ImageLimits())
    except UnsupportedImage as error:
        return error.detail
    return None


def is_called_picture(name: str) -> bool:
    """Whether a file's name says that it is a picture."""
    return Path(name).suffix.lower() in PICTURE_SUFFIXES


def why_no_photos(found: Iterable[Photo | Unread]) -> str:
    """Return why there is no photo among what was found; "" where there is one, or a fault to report."""
    others: list[str] = []
    for entry in found:
        if isinstance(entry, Unread) or is_called_picture(entry.name) or _may_be_picture(entry.path):
            return ""
        others.append(entry.name)
    if not others:
        return "there is no file in it; hidden files do not count"
    return f"there is no picture among its files, which are {_few(others)}"


def _may_be_picture(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            return why_not_an_image(file.read(HEAD_BYTES)) is None
    except OSError:
        return True  # the fault is reported when it is read


def _few(names: Sequence[str]) -> str:
    shown = ", ".join(names[:FEW])
    return shown if len(names) <= FEW else f"{shown} and {len(names) - FEW} more"


def is_around(folder: Path, sources: Iterable[Path]) -> bool:
    """Whether a source is this folder or lies below it: pictures would be written among its photos then."""
    place = folder.resolve()
    folders = (source.resolve() for source in sources if source.is_dir())
    return any(place == source or place in source.parents for source in folders)
