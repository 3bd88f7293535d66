"""The socket behind a request: is the client still there, and how long may it keep a thread waiting."""

import select
import socket
import time
from collections.abc import Mapping, MutableMapping
from contextlib import suppress
from typing import Any

from shared.errors import AtelierError

SILENCE_SECONDS = 30.0  # a client that neither sends nor takes a byte for so long is cut off
DRAIN_SECONDS = 5.0
DRAIN_BYTES = 128 * 1024 * 1024
_PIECE = 256 * 1024
_GUNICORN = "gunicorn.socket"
_NAMES = (_GUNICORN, "werkzeug.socket")
_CLOSE = "atelier.close"
WAITS = "atelier.waits"  # name of the application's places for waiting clients among its extensions


def limit_silence(environ: Mapping[str, Any]) -> None:
    """Have the request's socket time out, so that a client that stalls does not keep its thread."""
    found = _socket(environ)
    if found is not None:
        found.settimeout(SILENCE_SECONDS)


def client_left(environ: Mapping[str, Any]) -> bool:
    """Whether the client closed its connection. False under servers that do not show the socket."""
    found = _socket(environ)
    if found is None:
        return False
    try:
        poll = select.poll()
        poll.register(found, select.POLLIN)
        return bool(poll.poll(0)) and found.recv(1, socket.MSG_PEEK) == b""
    except (OSError, ValueError):
        return True


def drain(environ: MutableMapping[str, Any]) -> None:
    """Read what is left of a request's body, before the response to it.

    gunicorn would read it after the response, and lose the client's next request where that has come by then.
    A client that sends too much or too slowly is cut off by `close_if_asked`. Of a client that waits to be
    asked for the body nothing is read: the connection ends with the response.
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
    """End the connection of a request whose body is not worth reading to its end."""
    if _CLOSE in environ:
        with suppress(OSError):
            environ[_GUNICORN].shutdown(socket.SHUT_RDWR)


def _socket(environ: Mapping[str, Any]) -> socket.socket | None:
    found = next((environ[name] for name in _NAMES if name in environ), None)
    return found if isinstance(found, socket.socket) else None
