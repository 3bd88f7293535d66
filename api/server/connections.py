"""The socket of a request: whether the client is still connected, and how long it may block a thread."""

import select
import socket
import time
from collections.abc import Callable, Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from gevent import monkey

from shared.errors import AtelierError

SILENCE_SECONDS = 30.0  # a client that neither sends nor receives a byte for this long is disconnected
DRAIN_SECONDS = 5.0
DRAIN_BYTES = 128 * 1024 * 1024
_PIECE = 256 * 1024
_GUNICORN = "gunicorn.socket"
_NAMES = (_GUNICORN, "werkzeug.socket")
_CLOSE = "atelier.close"
_poll: Callable[[], Any] = monkey.get_original("select", "poll")  # gevent's lets others run at each look
WAITS = "atelier.waits"  # name of the Flask extension with the waiter slots


def limit_silence(environ: Mapping[str, Any]) -> None:
    """Set a time-out on the request's socket, so that a stalled client does not block a thread."""
    found = _socket(environ)
    if found is not None:
        found.settimeout(SILENCE_SECONDS)


def client_left(environ: Mapping[str, Any]) -> bool:
    """Whether the client closed its connection. False if the server does not provide the socket."""
    found = _socket(environ)
    if found is None:
        return False
    try:
        poll = _poll()
        poll.register(found, select.POLLIN)
        return bool(poll.poll(0)) and found.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def drain(environ: MutableMapping[str, Any]) -> None:
    """Read the rest of a request's body before the response is sent.

    gunicorn would read it after the response, and could lose the client's next request. If a client sends too
    much or too slowly, `close_if_asked` ends the connection. If a client still waits for `100 Continue`,
    nothing is read, and the connection ends with the response.
    """
    if getattr(environ["wsgi.input"], "unasked", False):
        environ["wsgi.input"].decline()
        return
    found, until, left = environ.get(_GUNICORN), time.monotonic() + DRAIN_SECONDS, DRAIN_BYTES
    if found is None:
        return
    try:
        found.settimeout(DRAIN_SECONDS)
        while piece := environ["wsgi.input"].read(_PIECE):
            left -= len(piece)
            if left < 0 or time.monotonic() > until:
                environ[_CLOSE] = True
                break
        found.settimeout(SILENCE_SECONDS)
    except (OSError, ValueError, AtelierError):
        environ[_CLOSE] = True


def close_if_asked(environ: Mapping[str, Any]) -> None:
    """End the connection of a request whose body was too long or too slow to read."""
    if _CLOSE in environ:
        with suppress(OSError):
            environ[_GUNICORN].shutdown(socket.SHUT_RDWR)


def _socket(environ: Mapping[str, Any]) -> socket.socket | None:
    found = next((environ[name] for name in _NAMES if name in environ), None)
    return found if isinstance(found, socket.socket) else None
