"""Pictures on their way in and out of the client."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

from atelier.client.downloads import write_whole
from atelier.client.job import Job, Output

FILE_ID = re.compile(r"file_[0-9a-f]{64}")

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


def read_source(source: Source) -> tuple[str, bytes]:
    """Return a name and the bytes of a picture on this side; raise OSError where the file cannot be read."""
    if isinstance(source, bytes):
        return "picture", source
    path = Path(source)
    return path.name, path.read_bytes()
