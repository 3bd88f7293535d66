"""Puts downloaded bytes into files: readers see the whole file or none."""

import hashlib
import os
import re
import secrets
from contextlib import suppress
from pathlib import Path

from atelier.client.errors import ProtocolError
from atelier.client.job import Job, Output

_EXTENSIONS = {"image/png": "png", "image/jpeg": "jpg", "image/webp": "webp", "image/gif": "gif"}


def file_name(job: Job, output: Output) -> str:
    """Return the name of an output's file; nothing that the service says can lead out of the folder."""
    return f"{re.sub(r'[^A-Za-z0-9_-]', '_', job.id)}-{output.index}.{extension_of(output)}"


def extension_of(output: Output) -> str:
    """Return how the name of an output's file ends, without the dot."""
    return _EXTENSIONS.get(output.content_type.partition(";")[0], "bin")


def write_whole(path: Path, data: bytes) -> Path:
    """Write a file beside its place and rename it there; a crash leaves the old file or the new one.

    Raises OSError that names the file, and not the one beside it.
    """
    partial = path.with_name(f".{secrets.token_hex(12)}.partial")  # a name that is never too long
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with partial.open("xb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        partial.replace(path)
    except BaseException as error:
        with suppress(OSError):
            partial.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise OSError(error.errno, error.strerror, str(path)) from error
        raise
    return path


def check_digest(data: bytes, output: Output) -> bytes:
    """Return the bytes; raise ProtocolError where they are not those that the job made."""
    if output.sha256 and hashlib.sha256(data).hexdigest() != output.sha256:
        raise ProtocolError(f"output {output.index} arrived damaged: its sha256 differs")
    return data
