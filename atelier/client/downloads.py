"""Finished pictures: checked when they arrive, written whole or not at all, a batch's several at once."""

import hashlib
import os
import secrets
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path, PurePosixPath
from typing import BinaryIO
from urllib.parse import quote

from atelier.client.batch import BatchItem, NamedOutput
from atelier.client.errors import ApiError, ClientError, ProtocolError
from atelier.client.job import Job, Output

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}
GONE = frozenset({404, 410})  # statuses for a picture that the service has forgotten
AHEAD = 4  # items a connection that may be in flight: bounds what is kept in memory
Download = Callable[[BatchItem, int], bytes]  # of the picture of a number
Results = Iterable[BatchItem]


@dataclass(frozen=True, slots=True)
class Picture:
    """One finished picture and where it came from."""

    job: Job
    output: Output
    data: bytes

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file, whole or not at all, and return its path; raise OSError."""
        return write_whole(Path(path), self.data)


def extension_of(output: Output) -> str:
    """Return how the name of an output's file ends, without the dot."""
    return _EXTENSIONS.get(output.content_type.partition(";")[0], "bin")


def write_whole(path: Path, data: bytes, *, private: bool = False) -> Path:
    """Write a file with its folders, whole or not at all. Raises OSError that names the file.

    A `private` file is for this user alone.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path, private=private) as file:
            file.write(data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return path


@contextmanager
def whole_file(path: Path, *, private: bool = False) -> Iterator[BinaryIO]:
    """Open a file beside its place; at the end of the block it is on the disk and is renamed to its place.

    A crash leaves the old file or the new one. A `private` file is for this user alone.
    """
    partial = path.with_name(f".{secrets.token_hex(12)}.partial")  # a name that is never too long
    try:
        with _created(partial, private=private) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def _created(path: Path, *, private: bool) -> BinaryIO:
    if not private:
        return path.open("xb")
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600), "wb")


def path_of(job_id: str, output: Output) -> str:
    """Return where the service has an output. Its `url` has the public address, which may lead elsewhere."""
    return f"/v1/jobs/{quote(job_id, safe='')}/outputs/{output.index}"


def check_digest(data: bytes, output: Output) -> bytes:
    """Return the bytes; raise ProtocolError where they are not those that the job made."""
    if output.sha256 and hashlib.sha256(data).hexdigest() != output.sha256:
        raise ProtocolError(f"output {output.index} arrived damaged: its sha256 differs")
    return data


@dataclass(frozen=True, slots=True)
class Saved:
    """One item, and the files of its pictures; none where it did not succeed."""

    item: BatchItem
    paths: tuple[Path, ...]
    new: int  # files that were written; the others existed already
    fault: OSError | ApiError | ProtocolError | None = None  # why some of its pictures are missing


class NotSaved(ClientError):
    """Raised when pictures of a batch could not be saved; `items` lack some, and each has its fault."""

    def __init__(self, items: Sequence[Saved]) -> None:
        self.items = tuple(items)
        first = items[0]
        others = f", and those of {len(items) - 1} further items" if len(items) > 1 else ""
        super().__init__(f"pictures of {first.item.custom_id} could not be saved{others}: {first.fault}")


def save_each(items: Results, download: Download, folder: Path, connections: int) -> Iterator[Saved]:
    """Yield each item, in the order in which they come, once its pictures are on the disk.

    A picture that cannot be saved is the fault of its item, and stops no other.
    """
    yield from in_order(items, partial(_save, download, folder), connections)


def in_order(items: Results, work: Callable[[BatchItem], Saved], connections: int) -> Iterator[Saved]:
    """Yield what the work makes of each item, in their order; it is done for several at once."""
    waiting: deque[Future[Saved]] = deque()
    with ThreadPoolExecutor(connections, thread_name_prefix="download") as pool:
        try:
            for item in items:
                waiting.append(pool.submit(work, item))
                while waiting and (waiting[0].done() or len(waiting) > connections * AHEAD):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _save(download: Download, folder: Path, item: BatchItem) -> Saved:
    paths: list[Path] = []
    new = 0
    try:
        for number, named in enumerate(item.outputs):
            path = place_of(folder, named.name)
            if not _is_there(path, named):
                write_whole(path, download(item, number))
                new += 1
            paths.append(path)
    except (OSError, ProtocolError, ApiError) as error:
        if isinstance(error, ApiError) and error.status not in GONE:
            raise
        return Saved(item, tuple(paths), new, error)
    return Saved(item, tuple(paths), new)


def place_of(folder: Path, name: str) -> Path:
    """Return where a file of a name goes; raise ProtocolError where the name would lead out of the folder."""
    parts = PurePosixPath(name).parts
    if not parts or any(part in ("/", "..") or "\\" in part or ":" in part for part in parts):
        raise ProtocolError(f"the service named a file {name!r}, which leads out of its folder")
    return folder.joinpath(*parts)


def _is_there(path: Path, named: NamedOutput) -> bool:
    try:
        return path.stat().st_size == named.output.bytes and _sha256(path) == named.output.sha256
    except OSError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
