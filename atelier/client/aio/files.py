"""Made from atelier/client/files.py by `make async-client`: change that file, not this one."""

import asyncio
from datetime import datetime
from pathlib import Path
from urllib.parse import quote

import httpx

from atelier.client.aio.transport import AsyncResource
from atelier.client.errors import ApiError, reading
from atelier.client.files import Limits, Source, _is_large, _read_source, is_named
from atelier.client.job import Job
from atelier.client.responses import json_of


class AsyncFilesResource(AsyncResource):
    """The uploaded pictures of one Atelier."""

    _known_limits: Limits | None = None
    _has_limits = False

    async def upload(self, source: Source) -> str:
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
            picture = await asyncio.to_thread(
                _read_source, source, await self._most_bytes() if _is_large(source) else None
            )
            response = await self._transport.send("POST", "/v1/files", files={"file": picture})
        except ApiError as error:
            path = str(source) if isinstance(source, str | Path) else ""
            raise ApiError(error.problem, status=error.status, subject=path) from error
        found = json_of(response)
        with reading("a file"):
            return str(found["id"])

    async def expires_at(self, file: str) -> datetime | None:
        """Return when the service deletes a file, None while something needs it; raise ApiError (404)."""
        found = json_of(await self._transport.send("GET", f"/v1/files/{quote(file, safe='')}"))
        with reading("a file"):
            until = found["expires_at"]
            return datetime.fromisoformat(until) if until else None

    async def limits(self) -> Limits | None:
        """Return what the service takes of a picture; None from an older service, which has no such page."""
        try:
            body = json_of(await self._transport.send("GET", "/v1/limits"))
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

    async def _most_bytes(self) -> int | None:
        """Return the most bytes that the service takes in one file, which is asked once; None for any."""
        if not self._has_limits:
            self._known_limits = await self.limits()
            self._has_limits = True
        return self._known_limits.max_bytes if self._known_limits else None
