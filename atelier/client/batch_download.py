"""Writes a batch's pictures into a folder while they come, several at once."""

import hashlib
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

from atelier.client.batch import BatchItem, NamedOutput
from atelier.client.downloads import write_whole
from atelier.client.errors import ProtocolError

if TYPE_CHECKING:
    from atelier.client.batch_run import BatchRun

AHEAD = 4  # items a connection that may be under way: bounds what is held in memory


@dataclass(frozen=True, slots=True)
class Saved:
    """One item, and the files of its pictures; none where it did not succeed."""

    item: BatchItem
    paths: tuple[Path, ...]
    new: int  # files that were written; the others were there


def saved(run: "BatchRun", folder: Path, connections: int) -> Iterator[Saved]:
    """Yield each item of a run, in the order of its iteration, once its pictures are on the disk."""
    waiting: deque[Future[Saved]] = deque()
    with ThreadPoolExecutor(connections, thread_name_prefix="download") as pool:
        try:
            for item in run:
                waiting.append(pool.submit(_save, run, item, folder))
                while waiting and (waiting[0].done() or len(waiting) > connections * AHEAD):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _save(run: "BatchRun", item: BatchItem, folder: Path) -> Saved:
    paths, new = [], 0
    for number, named in enumerate(item.outputs):
        path = place_of(folder, named.name)
        if not _is_there(path, named):
            write_whole(path, run.download(item, number))
            new += 1
        paths.append(path)
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
    except FileNotFoundError:
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
