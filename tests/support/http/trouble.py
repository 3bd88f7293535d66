"""A WSGI application with faults: responses that get lost, refusals, streams that break."""

import socket
from collections.abc import Callable, Iterable, Iterator
from typing import Any

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


class Trouble:
    """Hands requests on to the application, but for those that are to go wrong. Remembers every request."""

    def __init__(self, app: Application) -> None:
        self._app = app
        self.lose: list[str] = []  # methods whose next request is carried out, and the response lost
        self.refuse: list[str] = []  # methods whose next request is answered 503
        self.cut_after: list[int] = []  # event streams break after this many frames
        self.requests: list[tuple[str, str]] = []  # method and path
        self.resumed_after: list[str] = []  # Last-Event-ID of each event stream

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        method, path = environ["REQUEST_METHOD"], environ["PATH_INFO"]
        self.requests.append((method, path))
        if method in self.refuse:
            self.refuse.remove(method)
            start_response("503 Service Unavailable", [("Retry-After", "0"), ("Content-Length", "0")])
            return [b""]
        if method in self.lose:
            self.lose.remove(method)
            list(self._app(environ, lambda *_: None))
            _break(environ)
        if path.endswith("/events"):
            self.resumed_after.append(environ.get("HTTP_LAST_EVENT_ID", ""))
            if self.cut_after:
                return self._cut(environ, self._app(environ, start_response), self.cut_after.pop(0))
        return self._app(environ, start_response)

    @staticmethod
    def _cut(environ: Environ, frames: Iterable[bytes], count: int) -> Iterator[bytes]:
        try:
            for _, frame in zip(range(count), frames, strict=False):
                yield frame
            _break(environ)
        finally:
            frames.close()  # type: ignore[attr-defined]  # werkzeug's iterables have it


def _break(environ: Environ) -> None:
    """Close the connection as a crash would."""
    environ["werkzeug.socket"].shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError
