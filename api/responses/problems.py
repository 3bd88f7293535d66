"""Errors as problem documents (RFC 9457), and the one table from an error's class to its HTTP status."""

import json
import logging
import uuid
from collections.abc import Iterator, Mapping
from email.utils import formatdate
from http import HTTPStatus

from flask import Response, g, has_request_context, request
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from api import errors as edge
from api.audit import audit_refusal
from api.responses.security_headers import SECURITY_HEADERS
from api.services import links, may_know_of_others
from shared import errors
from shared.jobs.rendering import Links
from shared.jobs.status import DeadlineExceeded, JobCanceled, LeaseLost

log = logging.getLogger("atelier.api")

MEDIA_TYPE = "application/problem+json"
RETRY_SECONDS = {503: 2, 507: 5}  # advised where the server, not the client, is at fault for now
MAX_LISTED = 100  # faults that one problem spells out
MAX_DETAIL = 2000  # characters

STATUS: dict[type[errors.AtelierError], int] = {
    errors.AtelierError: 500,
    errors.InvalidRequest: 422,
    errors.UnsupportedImage: 415,
    errors.CorruptImage: 422,
    errors.ImageTooLarge: 422,
    errors.ImageTooSmall: 422,
    errors.TooManyFrames: 422,
    errors.RecipeMissing: 422,
    errors.RecipeInvalid: 422,
    errors.BodyTooLarge: 413,
    errors.QuotaExceeded: 429,
    errors.UnknownModel: 404,
    errors.CardUnusable: 404,
    errors.ModelUnavailable: 422,
    errors.ModelCorrupt: 500,
    errors.JobNotFound: 404,
    errors.BatchNotFound: 404,
    errors.ActionNotFound: 404,
    errors.JobGone: 410,
    errors.JobReclaimed: 410,
    errors.FileNotFound: 404,
    errors.OutputNotFound: 404,
    errors.ObjectNotFound: 404,
    errors.StyleNotFound: 404,
    errors.DeliveryNotFound: 404,
    errors.KeyNotFound: 404,
    errors.WorkerNotFound: 404,
    errors.PauseNotFound: 404,
    errors.RolloutNotFound: 404,
    errors.RecipeNotFound: 404,
    errors.SecretIsConfigured: 409,
    errors.IllegalMove: 409,
    errors.FileInUse: 409,
    errors.StyleExists: 409,
    errors.TooManyPauses: 409,
    errors.TooManyRecipes: 409,
    errors.ParentFailed: 422,
    errors.ChainTooLong: 422,
    errors.IdempotencyMismatch: 422,
    errors.StoreUnavailable: 503,
    errors.StoreFull: 503,
    errors.StorageUnavailable: 503,
    errors.OutOfDisk: 507,
    errors.ObjectDamaged: 500,
    errors.OutOfMemory: 503,
    errors.WorkerLost: 500,
    errors.TimeLimitExceeded: 500,
    errors.AttemptsExhausted: 500,
    LeaseLost: 409,
    JobCanceled: 409,
    DeadlineExceeded: 409,
    errors.RecordTooNew: 503,
    edge.BadRequest: 400,
    edge.UnknownHost: 421,
    edge.ForeignOrigin: 403,
    edge.MalformedJson: 400,
    edge.MalformedForm: 400,
    edge.InvalidHeader: 400,
    edge.AccessRefused: 403,
    edge.KeyMissing: 401,
    edge.KeyRefused: 401,
    edge.UserRefused: 401,
    edge.ScopeMissing: 403,
    edge.RateLimited: 429,
    edge.UnsupportedMediaType: 415,
    edge.RouteNotFound: 404,
    edge.MethodNotAllowed: 405,
    edge.PreconditionFailed: 412,
    edge.AddressTooLong: 414,
    edge.RangeNotSatisfiable: 416,
    edge.ExpectationFailed: 417,
    edge.HeadersTooLarge: 431,
    edge.TransferCodingUnknown: 501,
    edge.VersionUnsupported: 505,
    edge.PictureNotFetched: 422,
    edge.ResultUnavailable: 409,
    edge.PreviewUnavailable: 404,
    edge.NotReady: 503,
    edge.TooManyListeners: 503,
    edge.TooManyDownloads: 503,
    edge.TooManyFetches: 503,
}
_OF_WERKZEUG: dict[int, type[errors.AtelierError]] = {
    404: edge.RouteNotFound,
    405: edge.MethodNotAllowed,
    413: errors.BodyTooLarge,
    415: edge.UnsupportedMediaType,
    416: edge.RangeNotSatisfiable,
}
_SILENT_HEADERS = {"content-type", "content-length"}


def subclasses(base: type[errors.AtelierError]) -> Iterator[type[errors.AtelierError]]:
    """Yield every error class below `base`."""
    for child in base.__subclasses__():
        yield child
        yield from subclasses(child)


def status_of(error: errors.AtelierError) -> int:
    """Return the HTTP status. A body that names what is not there is wrong itself: 422, not 404."""
    status = STATUS[type(error)]
    return 422 if status == 404 and error.errors else status


def _type_of(code: str) -> str:
    """Return the stable address that explains an error code, relative to the service's host."""
    return (links() if has_request_context() else Links.of("", "")).problem(code)


def _members(error: errors.AtelierError, path: str, request_id: str) -> dict[str, object]:
    body = {"type": _type_of(error.code), "status": status_of(error), **_bounded(error)}
    return body | {"instance": path, "request_id": request_id}


def _document(error: errors.AtelierError, path: str, request_id: str) -> str:
    return json.dumps(_members(error, path, request_id))


def members_of(error: errors.AtelierError) -> dict[str, object]:
    """Return the members of the problem document with which this request would be refused."""
    return _members(_told(error), request.path, g.get("request_id", ""))


def whole_response(error: errors.AtelierError, path: str, request_id: str) -> bytes:
    """Return the response to a request that no application sees, after which the connection is closed."""
    status = HTTPStatus(status_of(error))
    body = _document(error, path, request_id)
    head = {
        "Date": formatdate(usegmt=True),
        "Connection": "close",
        "Content-Type": MEDIA_TYPE,
        "Content-Length": len(body),
        "Cache-Control": "no-store",
        "X-Request-Id": request_id,
        **SECURITY_HEADERS,
    }
    lines = [
        f"HTTP/1.1 {status.value} {status.phrase}",
        *(f"{name}: {value}" for name, value in head.items()),
    ]
    return "\r\n".join([*lines, "", body]).encode()


def new_request_id() -> str:
    """Return an id for a request that brings none."""
    return f"req_{uuid.uuid4().hex}"


def problem(error: errors.AtelierError, headers: Mapping[str, str] | None = None) -> Response:
    """Return the problem document of an error."""
    status = status_of(error)
    g.error_code = error.code
    document = _document(error, request.path, g.get("request_id", ""))
    response = Response(document, status, mimetype=MEDIA_TYPE)
    response.headers.update(headers or {})
    if status in RETRY_SECONDS:
        response.headers.setdefault("Retry-After", str(RETRY_SECONDS[status]))
    response.headers["Cache-Control"] = "no-store"
    return response


def _bounded(error: errors.AtelierError) -> dict[str, object]:
    body = error.to_json()
    body["detail"] = body["detail"][:MAX_DETAIL]
    listed = body.get("errors", [])[:MAX_LISTED]
    return {**body, "errors": [{**fault, "detail": fault["detail"][:MAX_DETAIL]} for fault in listed]}


def handle_atelier_error(error: errors.AtelierError) -> Response:
    """Return the response to an error of our own."""
    if status_of(error) >= 500:
        log.warning(
            "request refused",
            extra={
                "path": request.path,
                "code": error.code,
                "detail": error.whole,
                "request_id": g.get("request_id"),
            },
        )
    audit_refusal(error)
    return problem(_told(error), _headers_of(error))


def _told(error: errors.AtelierError) -> errors.AtelierError:
    """Return an error as this client may see it: how full the service is tells of other owners' work."""
    if not isinstance(error, (errors.StoreFull, errors.OutOfDisk)) or may_know_of_others():
        return error
    return type(error)("the service has no room for new work now; try again later")


def _headers_of(error: errors.AtelierError) -> dict[str, str]:
    if isinstance(error, edge.AccessRefused):
        return {"WWW-Authenticate": error.challenge}
    if isinstance(error, edge.RateLimited):
        return {"Retry-After": str(error.retry_after_seconds)}
    return {}


def handle_http_exception(error: HTTPException) -> BaseResponse:
    """Return the response to what Flask and Werkzeug refuse; let their redirects through."""
    if error.code is None or error.code < 400:
        return error.get_response()
    kind = _OF_WERKZEUG.get(error.code, edge.BadRequest if error.code < 500 else errors.AtelierError)
    headers = {name: value for name, value in error.get_headers() if name.lower() not in _SILENT_HEADERS}
    return problem(kind(_describe(kind, error)), headers)


def _describe(kind: type[errors.AtelierError], error: HTTPException) -> str:
    if kind is errors.BodyTooLarge:
        return f"the body has more bytes than the {request.max_content_length} that are taken here"
    if kind is edge.RouteNotFound:
        return f"nothing is at {request.path}"
    return error.description or error.name


def handle_surprise(error: Exception) -> Response:
    """Return the response to a fault of ours, without its details; the log has the traceback."""
    log.error(
        "request failed", exc_info=error, extra={"path": request.path, "request_id": g.get("request_id")}
    )
    return problem(surprise())


def surprise() -> errors.AtelierError:
    """Return the error that a client sees where the fault is ours."""
    return errors.AtelierError("the service made a mistake; its log has the details")
