"""gunicorn's worker, a greenlet a connection: deadlines, problem documents, `100 Continue` at the first read.

The code that depends on gunicorn's internals is in this file, in `api/gunicorn_conf.py` and in
`api/server/connections.py`.
"""

import logging
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import gevent
from gevent.event import Event
from gevent.pool import Pool
from gevent.server import StreamServer
from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors as http  # type: ignore[import-untyped]
from gunicorn.http.body import Body  # type: ignore[import-untyped]
from gunicorn.workers.ggevent import GeventWorker  # type: ignore[import-untyped]

from api import errors as edge
from shared.errors import AtelierError

log = logging.getLogger("atelier.api")

MAX_REQUEST_LINE = 8190  # bytes; RFC 9112 recommends at least 8000
MAX_HEADERS = 100
MAX_HEADER = 8190  # bytes
BODY_SECONDS = 30.0  # for a body to come, and in addition what its bytes take at the least rate
LEAST_BYTES_PER_SECOND = 16 * 1024
NOTIFY_SECONDS = 1.0  # between two signs of life to gunicorn's first process
SPARE = 0.05  # of all connections: kept free for new ones

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HARMLESS = re.compile(r"[^A-Za-z0-9 .,:;/*=_-]")
_OF_US = (http.InvalidResponseHeader, http.InvalidResponseHeaderName)  # errors of the service itself


class LateBody(Body):  # type: ignore[misc]
    """A request's body, which must come at a least rate.

    A client that expects `100 Continue` gets it only at the first read.
    """

    def __init__(self, request: Any) -> None:
        super().__init__(request.body.reader)
        self._request = request
        self._began = time.monotonic()
        self._received = 0
        self.unasked = request._expected_100_continue
        request._expected_100_continue = False  # otherwise gunicorn sends it before the application runs

    def decline(self) -> None:
        """Close the connection after the response, because the client may or may not send the body."""
        self._request.force_close()

    def _read_reader(self, size: int) -> bytes:
        if self.unasked:
            self.unasked = False
            self._request.unreader.sock.sendall(_CONTINUE)
        try:
            data = self._in_time(size)
        except http.ParseException as error:
            raise edge.BadRequest("the chunks of the body are not written as HTTP demands") from error
        self._received += len(data)
        return data

    def _in_time(self, size: int) -> bytes:
        """Return the next bytes; raise TimeoutError where they come too slowly."""
        allowed = BODY_SECONDS + self._received / LEAST_BYTES_PER_SECOND
        late = TimeoutError("the body comes too slowly")
        with gevent.Timeout(max(0.001, self._began + allowed - time.monotonic()), late):
            return bytes(super()._read_reader(size))


class ApiWorker(GeventWorker):  # type: ignore[misc]
    """gunicorn's worker with a greenlet a connection: with deadlines, `LateBody` and problem documents."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._stopping = Event()
        self._connections = Pool(self.cfg.worker_connections)
        self._idle: dict[Any, None] = {}  # connections without a whole request, the oldest first

    def run(self) -> None:
        """Serve until this process has to stop, then finish the requests, within gunicorn's limit."""
        servers = [
            StreamServer(listener, handle=partial(self.handle, listener), spawn=self._connections)
            for listener in self.sockets
        ]
        for server in servers:
            server.start()
        while self.alive:
            self.notify()
            self._stopping.wait(NOTIFY_SECONDS)
        for server in servers:
            server.close()
        gevent.killall(list(self._idle), block=False)
        self._finish()

    def _finish(self) -> None:
        until = time.monotonic() + self.cfg.graceful_timeout
        while not self._connections.join(NOTIFY_SECONDS) and time.monotonic() < until:
            self.notify()
        self._connections.kill(timeout=NOTIFY_SECONDS)

    def handle_exit(self, sig: int, frame: Any) -> None:
        """Stop, without waiting for the next turn of `run`."""
        super().handle_exit(sig, frame)
        self._stopping.set()

    def handle(self, listener: Any, client: Any, addr: Any) -> None:
        """Serve a connection; where few more fit, the one that has waited longest for a request has to go."""
        if self._idle and self._connections.free_count() < self.cfg.worker_connections * SPARE:
            next(iter(self._idle)).kill(block=False)
        super().handle(listener, client, addr)

    @contextmanager
    def timeout_ctx(self) -> Iterator[None]:
        """Bound the time until the next request's headers are there."""
        connection = gevent.getcurrent()
        self._idle[connection] = None
        try:
            with gevent.Timeout(self.cfg.keepalive, False):
                yield
        finally:
            self._idle.pop(connection, None)

    def handle_request(self, listener_name: Any, req: Any, sock: Any, addr: Any) -> None:
        """Handle one request; raise StopIteration where the connection ends with it."""
        req.body = LateBody(req)
        super().handle_request(listener_name, req, sock, addr)
        if req.body.unasked or not self.alive:
            raise StopIteration

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Respond to a request that gunicorn cannot parse, or that failed outside the application."""
        from api.responses.problems import (  # gunicorn's first process does not need these
            new_request_id,
            surprise,
            whole_response,
        )

        if isinstance(exc, gevent.GreenletExit):
            return  # the process stops
        error = refusal_of(exc)
        if error is None:
            log.error("request failed", exc_info=exc)
            error = surprise()
        path = getattr(req or getattr(exc, "req", None), "path", None)
        request_id = new_request_id()
        response = whole_response(error, path if isinstance(path, str) else "", request_id)
        log.info("request refused", extra={"code": error.code, "request_id": request_id})
        try:
            util.write_nonblock(client, response)
        except OSError:
            log.debug("the client of a refused request has left")


def refusal_of(exc: BaseException) -> AtelierError | None:
    """Return the client error for an exception of gunicorn; None if the client is not at fault."""
    if isinstance(exc, _OF_US):
        return None
    if isinstance(exc, http.InvalidHTTPVersion):
        return _version(exc.version)
    if isinstance(exc, http.UnsupportedTransferCoding):
        return _coding(str(exc.hdr))
    return next((error(exc) for kind, error in _ERRORS.items() if isinstance(exc, kind)), None)


def _version(version: object) -> AtelierError:
    if isinstance(version, tuple) or re.fullmatch(r"HTTP/\d(\.\d)?", str(version)):
        return edge.VersionUnsupported("the service speaks HTTP/1.1 and HTTP/1.0")
    return edge.BadRequest("the request line must end with HTTP/1.1")


def _coding(coding: str) -> AtelierError:
    """Return a 501 if the end of the body can be found, else the 400 that RFC 9112, 6.3, requires."""
    if coding.rpartition(",")[2].strip().lower() == "chunked":
        return edge.TransferCodingUnknown(f"Transfer-Encoding may only be chunked; got {_shown(coding)}")
    return edge.BadRequest(f"Transfer-Encoding must end with chunked; got {_shown(coding)}")


def _shown(text: object) -> str:
    """Return a client's text, shortened and without special characters."""
    return _HARMLESS.sub("?", str(text)[:60]) or "nothing"


_ERRORS: dict[type[Exception], Callable[[Any], AtelierError]] = {
    http.LimitRequestLine: lambda _: edge.AddressTooLong(
        f"the request line, which has the address, may have at most {MAX_REQUEST_LINE} bytes: what is longer "
        "belongs into the body"
    ),
    http.LimitRequestHeaders: lambda _: edge.HeadersTooLarge(
        f"a request may have at most {MAX_HEADERS} headers of at most {MAX_HEADER} bytes each"
    ),
    http.InvalidHeaderName: lambda exc: edge.BadRequest(
        f"the name of a header has characters that it must not have; got {_shown(exc.hdr)}"
    ),
    http.InvalidHeader: lambda exc: edge.BadRequest(
        f"a header is given twice, contradicts another or is not written as it must be; got {_shown(exc.hdr)}"
    ),
    http.ObsoleteFolding: lambda exc: edge.BadRequest(
        f"a header goes on in a second line, which HTTP no longer allows; got {_shown(exc.hdr)}"
    ),
    http.ExpectationFailed: lambda exc: edge.ExpectationFailed(
        f"Expect may only be 100-continue; got {_shown(exc.expect)}"
    ),
    http.InvalidRequestMethod: lambda exc: edge.BadRequest(
        f"the method must be one of HTTP's, in capital letters; got {_shown(exc.method)}"
    ),
    http.InvalidRequestLine: lambda _: edge.BadRequest(
        "the request line must have a method, an address that begins with a slash, and HTTP/1.1, with one "
        "space between them; other characters than printable ASCII must be percent-encoded"
    ),
    http.ConfigurationProblem: lambda _: edge.BadRequest("SCRIPT_NAME does not begin the request's path"),
    http.ParseException: lambda _: edge.BadRequest("the request is not written as HTTP demands"),
}
