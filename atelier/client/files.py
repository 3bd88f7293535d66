"""`client.files`: read and upload pictures, and learn which ones the service takes."""

import hashlib
import os
import re
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import httpx

from atelier.client.errors import ApiError, reading
from atelier.client.job import Job
from atelier.client.responses import json_of
from atelier.client.transport import Resource

FILE_ID = re.compile(r"file_[0-9a-f]{64}")
OF_JOB = re.compile(r"job:[A-Za-z0-9][A-Za-z0-9_-]{0,63}(/[0-9]{1,4})?")
ADDRESS = re.compile(r"https?://|data:", re.IGNORECASE)

ALWAYS_TAKEN = 1024 * 1024 - 4096  # bytes, with the form around them: no service has a lower limit

# A path, the bytes, the id of an uploaded file, an address (http, https, data), or the output of a job:
# job:ID, job:ID/NUMBER, or the job itself, which stands for its first one.
Source = str | Path | bytes | Job


@dataclass(frozen=True, slots=True)
class Limits:
    """What the service takes of a picture."""

    max_bytes: int  # of an upload
    max_pixels: int
    max_side: int  # pixels
    min_side: int  # pixels
    max_frames: int  # of an animation
    formats: tuple[str, ...]
    max_missing_percent: float = 0  # of the pixels of a file that ends too early; an older service takes none


class FilesResource(Resource):
    """The uploaded pictures of one Atelier."""

    _known_limits: Limits | None = None
    _has_limits = False

    def upload(self, source: Source) -> str:
        """Upload a picture and return its file id; equal bytes are stored once.

        An id is returned as it is, and so is an address: the service fetches it for a job; and the name of a
        job's output, for which it waits.

        Raises OSError where the file cannot be read, and ApiError, whose `subject` is its path, where the
        service refuses it.
        """
        if isinstance(source, Job):
            return source.as_input()
        if is_named(source):
            return str(source)
        try:
            picture = _read_source(source, self._most_bytes() if _is_large(source) else None)
            response = self._transport.send("POST", "/v1/files", files={"file": picture})
        except ApiError as error:
            path = str(source) if isinstance(source, str | Path) else ""
            raise ApiError(error.problem, status=error.status, subject=path) from error
        found = json_of(response)
        with reading("a file"):
            return str(found["id"])

    def expires_at(self, file: str) -> datetime | None:
        """Return when the service deletes a file, None while something needs it; raise ApiError (404)."""
        found = json_of(self._transport.send("GET", f"/v1/files/{quote(file, safe='')}"))
        with reading("a file"):
            until = found["expires_at"]
            return datetime.fromisoformat(until) if until else None

    def limits(self) -> Limits | None:
        """Return what the service takes of a picture; None from an older service, which has no such page."""
        try:
            body = json_of(self._transport.send("GET", "/v1/limits"))
        except ApiError as error:
            if error.status == httpx.codes.NOT_FOUND:
                return None
            raise
        with reading("limits"):
            return Limits(
                max_bytes=int(body["max_bytes"]),
                max_pixels=int(body["max_pixels"]),
                max_side=int(body["max_side"]),
                min_side=int(body["min_side"]),
                max_frames=int(body["max_frames"]),
                formats=tuple(body["formats"]),
                max_missing_percent=float(body.get("max_missing_percent") or 0),
            )

    def _most_bytes(self) -> int | None:
        """Return the most bytes that the service takes in one file, which is asked once; None for any."""
        if not self._has_limits:
            self._known_limits = self.limits()
            self._has_limits = True
        return self._known_limits.max_bytes if self._known_limits else None


def is_file_id(source: Source) -> bool:
    """Whether a source names an uploaded file."""
    return isinstance(source, str) and FILE_ID.fullmatch(source) is not None


def is_named(source: object) -> bool:
    """Whether a text need not be uploaded: a file's id, an address that is fetched, a job's output."""
    return isinstance(source, str) and any(
        (FILE_ID.fullmatch(source), OF_JOB.fullmatch(source), ADDRESS.match(source))
    )


def id_of(data: bytes) -> str:
    """Return the id that the service gives to a file of these bytes."""
    return f"file_{hashlib.sha256(data).hexdigest()}"


def check_there(*sources: object) -> None:
    """Raise OSError for files that cannot be read, before others are uploaded; all else passes."""
    for source in sources:
        if isinstance(source, Path) or (isinstance(source, str) and not is_named(source)):
            Path(source).open("rb").close()


def _is_large(source: str | Path | bytes) -> bool:
    """Whether the service may refuse a picture for its size; raise OSError for a path of nothing."""
    if isinstance(source, bytes):
        return len(source) > ALWAYS_TAKEN
    return not (Path(source).stat().st_size <= ALWAYS_TAKEN and Path(source).is_file())


def _read_source(source: str | Path | bytes, most: int | None) -> tuple[str, bytes]:
    """Return the name and the bytes of a picture; raise OSError where the file cannot be read.

    Raises ApiError where there are more bytes than `most`, where that is given.
    """
    if isinstance(source, bytes):
        _check_size(len(source), most, "")
        return "picture", source
    return Path(source).name, read_at_most(Path(source), most)


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
