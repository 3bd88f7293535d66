"""gunicorn's worker: errors become problem documents, and `100 Continue` is sent at the first read.

The code that depends on gunicorn's internals is in this file, in `api/gunicorn_conf.py` and in
`api/server/connections.py`.
"""

import logging
import re
from collections.abc import Callable
from typing import Any

from gunicorn import util  # type: ignore[import-untyped]
from gunicorn.http import errors as http  # type: ignore[import-untyped]
from gunicorn.http.body import Body  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from api import errors as edge
from shared.errors import AtelierError

log = logging.getLogger("atelier.api")

MAX_REQUEST_LINE = 8190  # bytes; RFC 9112 recommends at least 8000
MAX_HEADERS = 100
MAX_HEADER = 8190  # bytes

_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"
_HARMLESS = re.compile(r"[^A-Za-z0-9 .,:;/*=_-]")
_OF_US = (http.InvalidResponseHeader, http.InvalidResponseHeaderName)  # errors of the service itself


class LateBody(Body):  # type: ignore[misc]
    """A request's body. A client that expects `100 Continue` gets it only at the first read."""

    def __init__(self, request: Any) -> None:
        super().__init__(request.body.reader)
        self._request = request
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
            return bytes(super()._read_reader(size))
        except http.ParseException as error:
            raise edge.BadRequest("the chunks of the body are not written as HTTP demands") from error


class ApiWorker(ThreadWorker):  # type: ignore[misc]
    """gunicorn's threaded worker, with `LateBody` and problem documents."""

    def handle_request(self, req: Any, conn: Any) -> bool:
        """Handle one request; return whether the connection stays open."""
        req.body = LateBody(req)
        return bool(super().handle_request(req, conn)) and not req.body.unasked

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Respond to a request that gunicorn cannot parse, or that failed outside the application."""
        from api.responses.problems import (  # gunicorn's first process does not need these
            new_request_id,
            surprise,
            whole_response,
        )

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
    http.InvalidSchemeHeaders: lambda _: edge.BadRequest(
        "headers such as X-Forwarded-Proto contradict each other: did the client come by HTTPS or not"
    ),
    http.ParseException: lambda _: edge.BadRequest("the request is not written as HTTP demands"),
}
