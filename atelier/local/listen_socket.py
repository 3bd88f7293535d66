"""The socket that the API listens on. The supervisor holds it, so clients wait while the API restarts."""

import errno
import socket

from shared.errors import AtelierError

BACKLOG = 1024
EVERY_ADDRESS = {"0.0.0.0": "127.0.0.1", "": "127.0.0.1", "::": "[::1]"}  # noqa: S104  (names, not a bind)


class CannotListen(AtelierError):
    """Raised when the wanted address is in use, or is not one of this machine's."""

    code = "cannot_listen"
    title = "Cannot listen"


def listen(host: str, port: int) -> socket.socket:
    """Return a socket that listens; port 0 takes a free one. Raises CannotListen."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=BACKLOG)
    except OSError as error:
        raise CannotListen(_reason(host, port, error)) from error
    except OverflowError as error:
        raise CannotListen(f"{port} is not a port; ports go to 65535") from error


def _reason(host: str, port: int, error: OSError) -> str:
    if error.errno == errno.EADDRINUSE:
        return f"port {port} on {host} is in use"
    if error.errno == errno.EACCES:
        return f"port {port} needs rights that this user has not: those below 1024 need them"
    return f"cannot listen on {host} port {port}: {error.strerror or error}"


def url_of(listener: socket.socket) -> str:
    """Return the URL under which a client on this machine reaches the socket."""
    host, port = listener.getsockname()[:2]
    return f"http://{url_host(host)}:{port}"


def url_host(host: str) -> str:
    """Return a host as a URL spells it; one that means every address becomes this machine's own."""
    if host in EVERY_ADDRESS:
        return EVERY_ADDRESS[host]
    return f"[{host}]" if ":" in host else host
