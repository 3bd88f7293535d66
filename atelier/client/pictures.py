"""Pictures on their way in and out of the client."""

import hashlib
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from atelier.client.downloads import write_whole
from atelier.client.errors import ApiError
from atelier.client.job import Job, Output

FILE_ID = re.compile(r"file_[0-9a-f]{64}")

ALWAYS_TAKEN = 1024 * 1024 - 4096  # bytes, with the form around them: no service has a lower limit

Source = str | Path | bytes  # a path, the bytes themselves, or the id of an uploaded file


@dataclass(frozen=True, slots=True)
class Picture:
    """One finished picture and where it came from."""

    job: Job
    output: Output
    data: bytes

    def save(self, path: str | Path) -> Path:
        """Write the picture to a file, whole or not at all, and return its path."""
        return write_whole(Path(path), self.data)


def is_file_id(source: Source) -> bool:
    """Whether a source names an uploaded file."""
    return isinstance(source, str) and FILE_ID.fullmatch(source) is not None


def id_of(data: bytes) -> str:
    """Return the id that the service gives to a file of these bytes."""
    return f"file_{hashlib.sha256(data).hexdigest()}"


def check_there(*sources: object) -> None:
    """Raise OSError for files that cannot be read, before others are uploaded; ids and bytes pass."""
    for source in sources:
        if isinstance(source, Path) or (isinstance(source, str) and not is_file_id(source)):
            Path(source).open("rb").close()


def read_source(source: Source, limit: Callable[[], int | None]) -> tuple[str, bytes]:
    """Return a name and the bytes of a picture on this side; raise OSError where the file cannot be read.

    `limit` is asked for the most bytes that the service takes where there are many; raises ApiError where
    there are more.
    """
    if isinstance(source, bytes):
        if len(source) > ALWAYS_TAKEN:
            _check_size(len(source), limit(), "")
        return "picture", source
    path = Path(source)
    if path.stat().st_size <= ALWAYS_TAKEN and path.is_file():
        return path.name, path.read_bytes()
    return path.name, read_at_most(path, limit())


def read_at_most(path: Path, most: int | None) -> bytes:
    """Return the bytes of a file; raise ApiError, as the service would, where it has more than `most`."""
    with path.open("rb") as file:
        size = os.fstat(file.fileno()).st_size
        _check_size(size, most, str(path))
        data = file.read() if most is None else file.read(most + 1)  # a pipe has a size of 0
    _check_size(len(data), most, str(path))
    return data


def _check_size(size: int, most: int | None, subject: str) -> None:
    if most is None or size <= most:
        return
    detail = f"it has more than {most} bytes, the most that the service takes in one file"
    problem = {"title": "Content Too Large", "code": "body_too_large", "detail": detail}
    raise ApiError(problem, status=413, subject=subject)
