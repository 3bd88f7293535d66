"""Objects as files in one folder. A finished put is durable after a power cut; obstore's is not."""

import os
import secrets
import stat
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from errno import EDQUOT, EFBIG, ENOSPC
from pathlib import Path
from urllib.parse import unquote, urlsplit

from shared.errors import ObjectNotFound, OutOfDisk, StorageUnavailable
from shared.private_files import FOLDER_MODE, make_folder, open_private
from shared.storage.base import INSTALLATION, StoredObject, check_key

STAGING = ".staging"  # for incomplete files; in the same file system, so a rename is one step
_FULL = {ENOSPC, EDQUOT, EFBIG}
_RENAME_TRIES = 100  # each failure means that another process just removed the empty folder


@contextmanager
def _writing(key: str) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        kind = OutOfDisk if error.errno in _FULL else StorageUnavailable
        raise kind(inside=f"at {key}: {error.strerror}") from error


class LocalObjectStore:
    """The object store in a folder. Several processes may share it."""

    def __init__(self, folder: Path) -> None:
        self._root = folder
        self._staging = folder / STAGING
        self._was_marked = False  # it holds the object that every storage in use has, or has held it
        self._durable: set[Path] = set()  # top-level folders whose names are known to be on the disk
        with _writing(str(folder)):
            make_folder(folder)

    def put(self, key: str, data: bytes) -> None:
        """Store bytes durably; an existing object is replaced."""
        path = self._path(key)
        if key.startswith(f"{STAGING}/"):
            raise ValueError(f"{key!r} is no object's key")
        with _writing(key):
            if key != INSTALLATION:
                self._require_mounted()
            staged = self._staged(data)
            try:
                self._publish(staged, path)
            except BaseException:
                staged.unlink(missing_ok=True)
                raise
            self._sync_folders(path)

    def _staged(self, data: bytes) -> Path:
        """Write bytes to a file that is not visible yet; return its path."""
        path = self._staging / secrets.token_hex(16)
        # Not its parents: they would hide that the storage is not mounted.
        self._staging.mkdir(mode=FOLDER_MODE, exist_ok=True)
        try:
            with open_private(path, "xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            path.unlink(missing_ok=True)
            raise
        return path

    def _publish(self, staged: Path, path: Path) -> None:
        for left in reversed(range(_RENAME_TRIES)):
            try:
                make_folder(path.parent)
                staged.replace(path)
            except (FileNotFoundError, FileExistsError):
                if not left or not staged.exists():
                    raise
            else:
                return

    def _sync_folders(self, path: Path) -> None:
        """Make the names of the object and of its folders durable; another put may just have created them."""
        folders = [self._root / folder for folder in path.relative_to(self._root).parents][:-1]
        for folder in folders:
            with suppress(FileNotFoundError):  # the object was already deleted, and its folder with it
                _sync(folder)
        if not folders or folders[-1] not in self._durable:  # top-level folders stay: once is enough
            _sync(self._root)
            self._durable.update(folders[-1:])

    def _require_mounted(self) -> None:
        """Raise StorageUnavailable if the folder is gone, or an empty one stands in its place."""
        if (self._root / INSTALLATION).exists():
            self._was_marked = True
        elif self._was_marked or not self._root.is_dir():
            raise StorageUnavailable(inside=f"{self._root} is not there, or not mounted")

    @contextmanager
    def _reading(self, key: str) -> Iterator[None]:
        try:
            with _writing(key):
                yield
        except StorageUnavailable as error:
            if isinstance(error.__cause__, (FileNotFoundError, IsADirectoryError, NotADirectoryError)):
                self._require_mounted()
                raise ObjectNotFound(inside=f"nothing is stored under {key}") from error
            raise

    def get(self, key: str) -> bytes:
        """Return all bytes; raise ObjectNotFound."""
        with self._reading(key):
            return self._path(key).read_bytes()

    def get_range(self, key: str, start: int, end: int) -> bytes:
        """Return the bytes from start up to, not including, end; raise ObjectNotFound."""
        with self._reading(key), self._path(key).open("rb") as file:
            file.seek(start)
            return file.read(end - start)

    def link(self, key: str, seconds: float) -> None:
        """Return None: the API sends what is in a folder."""
        del seconds
        check_key(key)

    def delete(self, key: str) -> None:
        """Remove an object and its empty folders; a missing object is not an error."""
        path = self._path(key)
        with suppress(ObjectNotFound), self._reading(key):
            path.unlink()
        self._prune(path)

    def delete_many(self, keys: Iterable[str]) -> None:
        """Remove objects, one after the other; missing ones are not an error."""
        for key in keys:
            self.delete(key)

    def _prune(self, path: Path) -> None:
        for folder in path.relative_to(self._root).parents:
            if len(folder.parts) < 2:  # the top-level folders stay
                return
            try:
                (self._root / folder).rmdir()  # fails if the folder is not empty: nothing can be lost
            except FileNotFoundError:
                continue
            except OSError:
                return

    def entries(self, prefix: str) -> Iterator[StoredObject]:
        """Yield the objects below a prefix that is empty or ends with a slash."""
        self._require_mounted()
        top = self._path(prefix.rstrip("/")) if prefix else self._root
        yield from (entry for entry in self._walk(top) if not entry.key.startswith(f"{STAGING}/"))

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield the keys below a prefix that is empty or ends with a slash."""
        return (entry.key for entry in self.entries(prefix))

    def delete_prefix(self, prefix: str) -> None:
        """Remove every object below a prefix that ends with a slash."""
        self.delete_many(list(self.keys(prefix)))
        self._prune(self._path(f"{prefix}x"))  # folders without an object

    def unfinished(self) -> Iterator[StoredObject]:
        """Yield the partial data of current puts, and of puts that a crash interrupted."""
        return self._walk(self._staging)

    def _walk(self, folder: Path) -> Iterator[StoredObject]:
        for entry in _scan(folder):
            if entry.is_dir(follow_symlinks=False):
                yield from self._walk(Path(entry.path))
            elif (found := self._stored(entry)) is not None:
                yield found

    def _stored(self, entry: "os.DirEntry[str]") -> StoredObject | None:
        try:
            known = entry.stat(follow_symlinks=False)
        except FileNotFoundError:  # it was deleted in the meantime
            return None
        if not stat.S_ISREG(known.st_mode):
            return None
        key = Path(entry.path).relative_to(self._root).as_posix()
        return StoredObject(key, known.st_size, known.st_mtime)

    def now(self) -> float:
        """Return the time by the clock that dates the objects, in seconds since the epoch."""
        with _writing(STAGING):
            self._require_mounted()
            self._staging.mkdir(mode=FOLDER_MODE, exist_ok=True)
            os.utime(self._staging)
            return self._staging.stat().st_mtime

    def check(self) -> None:
        """Raise StorageUnavailable if the folder cannot be read or written."""
        if not os.access(self._root, os.R_OK | os.W_OK | os.X_OK):
            raise StorageUnavailable(inside=f"{self._root} is not there, or closed to this process")
        self._require_mounted()

    def _path(self, key: str) -> Path:
        check_key(key)
        return self._root.joinpath(*key.split("/"))


def local_folder(url: str) -> Path | None:
    """Return the folder that a file URL names; None for any other URL."""
    parts = urlsplit(url)
    return Path(unquote(parts.path)) if parts.scheme == "file" else None


def _scan(folder: Path) -> Iterator["os.DirEntry[str]"]:
    try:
        with os.scandir(folder) as found:
            yield from found
    except (FileNotFoundError, NotADirectoryError):  # it was deleted in the meantime
        return


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
