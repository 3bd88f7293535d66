"""Finished pictures: checked when they arrive, and written whole or not at all."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from atelier.client.errors import ProtocolError
from atelier.client.job import Job, Output

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


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


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file with its folders, whole or not at all. Raises OSError that names the file."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with whole_file(path) as file:
            file.write(data)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from error
    return path


@contextmanager
def whole_file(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside its place; at the end of the block it is on the disk and is renamed to its place.

    A crash leaves the old file or the new one.
    """
    partial = path.with_name(f".{secrets.token_hex(12)}.partial")  # a name that is never too long
    try:
        with partial.open("xb") as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        raise


def check_digest(data: bytes, output: Output) -> bytes:
    """Return the bytes; raise ProtocolError where they are not those that the job made."""
    if output.sha256 and hashlib.sha256(data).hexdigest() != output.sha256:
        raise ProtocolError(f"output {output.index} arrived damaged: its sha256 differs")
    return data
