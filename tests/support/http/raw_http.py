"""Requests byte by byte, over a socket."""

import json
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import Any

Place = Path | tuple[str, int]  # of a Unix socket, or of a TCP socket


@dataclass(frozen=True)
class RawResponse:
    """One response, as it came."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class RawConnection:
    """A connection over which anything may be sent."""

    def __init__(self, place: Place, *, seconds: float = 10) -> None:
        self._socket = socket.socket(socket.AF_UNIX if isinstance(place, Path) else socket.AF_INET)
        self._socket.settimeout(seconds)
        self._socket.connect(str(place) if isinstance(place, Path) else place)
        self._file = self._socket.makefile("rb")

    def send(self, data: bytes, *, last: bool = False) -> None:
        try:
            self._socket.sendall(data)
            if last:
                self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            pass  # a server may respond, and close, before it has read all

    def response(self) -> RawResponse:
        """Return the next response, which may be an interim one; status 0 where there is none."""
        line = self._line()
        if not line:
            return RawResponse(0, {}, b"")
        headers: dict[str, str] = {}
        while text := self._line():
            name, _, value = text.partition(":")
            headers[name.lower()] = value.strip()
        status = int(line.split()[1])
        length = 0 if status < 200 or status in (204, 304) else int(headers.get("content-length", 0))
        return RawResponse(status, headers, self._file.read(length))

    def _line(self) -> str:
        try:
            return self._file.readline().decode("latin-1").rstrip("\r\n")
        except ConnectionResetError:
            return ""

    def rest(self) -> bytes:
        """Return all that comes until the server closes the connection."""
        return self._file.read()

    def ended(self) -> bool:
        """Whether the server has closed the connection."""
        return self._file.read(1) == b""

    def __enter__(self) -> "RawConnection":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()
        self._socket.close()


def ask(place: Place, data: bytes) -> RawResponse:
    """Send bytes, and no more; return the final response."""
    with RawConnection(place) as connection:
        connection.send(data, last=True)
        response = connection.response()
        return connection.response() if 100 <= response.status < 200 else response
