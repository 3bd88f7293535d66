"""Fetches a SavedModel as a .tar.gz over HTTP(S), bounded in size and checked, and unpacks it safely."""

import gzip
import hashlib
import shutil
import zlib
from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path
from typing import BinaryIO, cast
from urllib.parse import urlsplit

import httpx

from shared.errors import ModelCorrupt, ModelUnavailable
from shared.private_files import FOLDER_MODE, make_folder, open_private
from shared.tar_reader import TarEntry, TarReader, TarRefused
from worker.models.files.hub import SAVED_MODEL_FILE

OnBytes = Callable[[int, int | None], None]  # bytes so far, bytes in all where known

MAX_ARCHIVE_BYTES = 4 << 30
MAX_UNPACKED_BYTES = 8 << 30
MAX_ENTRIES = 10_000  # files, folders and headers; the largest models have some hundreds
CHUNK = 1 << 20  # bytes
_TIMEOUT = httpx.Timeout(30.0)  # seconds without any data, not for the whole download


def download(
    url: str, sha256: str, target: Path, *, on_bytes: OnBytes, limit: int = MAX_ARCHIVE_BYTES
) -> None:
    """Stream a URL into a file; ModelUnavailable when that fails, ModelCorrupt when the sha256 differs."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise ModelUnavailable(f"{url} is not an http or https URL")
    try:
        found = _stream(url, target, on_bytes, limit)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ModelUnavailable(f"{url} cannot be downloaded ({type(error).__name__}: {error})") from error
    if found != sha256:
        raise ModelCorrupt(f"{url} has sha256 {found}; the card says {sha256}")


def _stream(url: str, target: Path, on_bytes: OnBytes, limit: int) -> str:
    """Return the sha256 of what was written."""
    digest, done = hashlib.sha256(), 0
    with _get(url) as response, target.open("wb") as file:
        response.raise_for_status()
        total = int(response.headers.get("content-length", 0)) or None
        for chunk in response.iter_raw():
            done += len(chunk)
            if done > limit:
                raise ModelUnavailable(f"{url} is larger than {limit} bytes")
            digest.update(chunk)
            file.write(chunk)
            on_bytes(done, total)
    return digest.hexdigest()


def _get(url: str) -> AbstractContextManager[httpx.Response]:
    # Without compression: the sha256 is of the archive as the server stores it.
    headers = {"Accept-Encoding": "identity"}
    return httpx.stream("GET", url, headers=headers, follow_redirects=True, timeout=_TIMEOUT)


def unpack(archive: Path, folder: Path, *, limit: int = MAX_UNPACKED_BYTES) -> None:
    """Unpack a .tar.gz that holds a SavedModel, at its top or one folder deep, as `folder`.

    It may hold regular files and folders: links, devices and names that lead outside are refused, as are more
    than `limit` bytes or MAX_ENTRIES entries. `folder` must not exist yet.
    """
    unpacked = folder.with_name(folder.name + ".unpacking")
    unpacked.mkdir(mode=FOLDER_MODE)
    try:
        _extract(archive, unpacked, limit)
    except (TarRefused, EOFError, OSError, zlib.error) as error:
        raise ModelCorrupt(f"{archive.name} cannot be unpacked: {error}") from error
    _saved_model_in(unpacked).rename(folder)


def _extract(archive: Path, folder: Path, limit: int) -> None:
    total = 0
    with gzip.open(archive, "rb") as file:
        tar = TarReader(cast(BinaryIO, file), most_entries=MAX_ENTRIES)
        for entry in tar.entries():
            total += entry.size
            if total > limit:
                raise ModelCorrupt(f"{archive.name} unpacks to more than {limit} bytes")
            _write(tar, entry, folder)


def _write(tar: TarReader, entry: TarEntry, folder: Path) -> None:
    """Write a file or folder into a folder that holds no links, as none is ever written."""
    path = folder.joinpath(*entry.name.split("/"))
    make_folder(path if entry.is_folder else path.parent)
    if entry.is_folder:
        return
    with tar.open(entry) as source, open_private(path, "xb") as file:
        shutil.copyfileobj(source, file, CHUNK)
        if file.tell() < entry.size:
            raise TarRefused("it was cut off")


def _saved_model_in(folder: Path) -> Path:
    for candidate in (folder, *sorted(folder.iterdir())):
        if (candidate / SAVED_MODEL_FILE).is_file():
            return candidate
    raise ModelCorrupt(f"the archive holds no {SAVED_MODEL_FILE} at its top or in its first folders")
