"""A folder as a place. Links that lead out of it are not followed; its files are for others to use."""

import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, EINVAL, ENAMETOOLONG, ENOSPC, ENOTDIR, ENOTSUP, EPERM
from pathlib import Path

from shared.errors import ObjectNotFound, OutOfDisk, StorageUnavailable
from shared.places.objects import NameRefused
from shared.storage.base import StoredObject, check_key

STAGING = ".atelier"  # for files that are being written; in the place, so that they appear in one step
_FORGOTTEN_SECONDS = 24 * 3600  # then a file there is one whose writer died
_FULL = {ENOSPC, EDQUOT, EFBIG}
_NO_NAME = {ENAMETOOLONG, EINVAL, ENOTDIR}
_NO_LINKS = {EPERM, ENOTSUP}  # a file system that cannot give one file two names


@contextmanager
def _mapped(key: str) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, IsADirectoryError, NotADirectoryError) as error:
        raise ObjectNotFound(inside=f"there is no file {key}") from error
    except OSError as error:
        kind = OutOfDisk if error.errno in _FULL else StorageUnavailable
        raise kind(inside=f"at {key}: {error.strerror}") from error


class FolderPlace:
    """The files of a folder, which must be there: a mount that is missing must not look empty."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._is_tidy = False

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the files below a prefix; links, and names that begin with a dot, are left out."""
        self._require()
        yield from self._below(self._inside(f"{prefix}x").parent, prefix)

    def _below(self, folder: Path, prefix: str) -> Iterator[StoredObject]:
        for entry in _scan(folder, prefix):
            if entry.name.startswith("."):
                continue
            if entry.is_dir(follow_symlinks=False):
                yield from self._below(Path(entry.path), f"{prefix}{entry.name}/")
            elif entry.is_file(follow_symlinks=False):
                with suppress(FileNotFoundError):  # it went while it was looked at
                    known = entry.stat(follow_symlinks=False)
                    yield StoredObject(f"{prefix}{entry.name}", known.st_size, known.st_mtime)

    def read(self, key: str, most: int) -> bytes:
        """Return the first bytes of a file."""
        self._require()
        path = self._inside(key)
        with _mapped(key):  # what is no plain file could keep its reader waiting
            handle = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(handle, "rb") as file:
                if not stat.S_ISREG(os.fstat(handle).st_mode):
                    raise ObjectNotFound(inside=f"{key} is no file")
                return file.read(most)

    def size_of(self, key: str) -> int | None:
        """Return the bytes of a file; None where there is none. Whatever else is there counts as taken."""
        self._require()
        try:
            with _mapped(key):
                return self._inside(key).lstat().st_size
        except ObjectNotFound:
            return None

    def create(self, key: str, data: bytes) -> bool:
        """Put a file: written aside, synced, and given its name in one step, unless the name is taken."""
        self._require()
        path = self._inside(key)
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            staged = self._staged(data)
            try:
                return _publish(staged, path)
            finally:
                staged.unlink(missing_ok=True)
        except FileExistsError as error:  # a file where a folder should be
            raise NameRefused(f"a part of {key} is a file") from error
        except OSError as error:
            if error.errno in _NO_NAME:
                raise NameRefused(f"{key}: {error.strerror}") from error
            kind = OutOfDisk if error.errno in _FULL else StorageUnavailable
            raise kind(inside=f"at {key}: {error.strerror}") from error

    def _staged(self, data: bytes) -> Path:
        folder = self._root / STAGING
        folder.mkdir(exist_ok=True)
        if not self._is_tidy:
            _tidy(folder)
            self._is_tidy = True
        path = folder / secrets.token_hex(16)
        with path.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        return path

    def _require(self) -> None:
        try:
            is_there = stat.S_ISDIR(self._root.stat().st_mode)
        except OSError as error:
            raise StorageUnavailable(inside=f"{self._root}: {error.strerror}") from error
        if not is_there:
            raise StorageUnavailable(inside=f"{self._root} is no folder")

    def _inside(self, key: str) -> Path:
        """Return the path of a key; raise NameRefused where a link leads out of the place."""
        check_key(key)
        path = self._root.joinpath(*key.split("/"))
        try:
            is_inside = path.parent.resolve().is_relative_to(self._root.resolve())
        except (OSError, RuntimeError):  # links in a circle
            is_inside = False
        if not is_inside:
            raise NameRefused(f"{key} leads out of the place")
        return path


def _scan(folder: Path, prefix: str) -> Iterator["os.DirEntry[str]"]:
    try:
        with _mapped(prefix), os.scandir(folder) as found:
            yield from found
    except ObjectNotFound:  # none, or none any more
        return


def _publish(staged: Path, path: Path) -> bool:
    try:
        os.link(staged, path)
    except FileExistsError:
        return False
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if os.path.lexists(path):
            return False
        staged.rename(path)  # here another program could come between the look and the step
    handle = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return True


def _tidy(folder: Path) -> None:
    oldest = time.time() - _FORGOTTEN_SECONDS
    for path in folder.iterdir():
        with suppress(OSError):
            if path.lstat().st_mtime < oldest:
                path.unlink()
