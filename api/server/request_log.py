"""What every request gets: an id, patience with its client, a line in the log."""

import logging
import re
import time
import uuid

from flask import Flask, Response, g, request

from api.server.connections import drain, limit_silence

log = logging.getLogger("atelier.api")

HEADER = "X-Request-Id"
_GIVEN = re.compile(r"[A-Za-z0-9._:/+=-]{1,128}")


def watch_requests(app: Flask) -> None:
    """Give every request an id, echo it, and log the answer: writes at INFO, reads at DEBUG."""
    app.before_request(_begin)
    app.after_request(_end)


def new_request_id() -> str:
    """Return an id for a request that brings none."""
    return f"req_{uuid.uuid4().hex}"


def _begin() -> None:
    given = request.headers.get(HEADER, "")
    g.request_id = given if _GIVEN.fullmatch(given) else new_request_id()
    limit_silence(request.environ)
    g.began = time.perf_counter()


def _end(response: Response) -> Response:
    drain(request.environ)
    response.headers[HEADER] = g.get("request_id", "")
    level = (
        logging.DEBUG if request.method in ("GET", "HEAD") and response.status_code < 500 else logging.INFO
    )
    if log.isEnabledFor(level):
        fields = {
            "method": request.method,
            "path": request.path,
            "status": response.status_code,
            "milliseconds": round((time.perf_counter() - g.began) * 1000, 1),
            "request_id": g.request_id,
        }
        log.log(level, "answered", extra=fields)
    return response
