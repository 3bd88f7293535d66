"""Errors that only HTTP knows: about headers, encodings and the order of calls."""

from shared.errors import AtelierError


class BadRequest(AtelierError):
    """Raised when a request cannot be understood as HTTP."""

    code = "bad_request"
    title = "The request cannot be understood"


class MalformedJson(AtelierError):
    """Raised when a body, or a form field that holds JSON, is not JSON."""

    code = "malformed_json"
    title = "The body is not JSON"


class MalformedForm(AtelierError):
    """Raised when the body of a form cannot be taken apart: its boundary is wrong, or it is cut off."""

    code = "malformed_form"
    title = "The form cannot be read"


class InvalidHeader(AtelierError):
    """Raised when a header's value does not follow its own rules."""

    code = "invalid_header"
    title = "A header is not valid"


class UnsupportedMediaType(AtelierError):
    """Raised when the body is of a type that this address does not take."""

    code = "unsupported_media_type"
    title = "The body's media type is not taken here"


class RouteNotFound(AtelierError):
    """Raised when nothing lives at the address."""

    code = "not_found"
    title = "Nothing is at this address"


class MethodNotAllowed(AtelierError):
    """Raised when the address exists and does not take the method; `Allow` lists those it takes."""

    code = "method_not_allowed"
    title = "The method is not allowed here"


class PreconditionFailed(AtelierError):
    """Raised when `If-Match` names other versions than the one that is there; nothing was done."""

    code = "precondition_failed"
    title = "The version is another one"


class ExpectationFailed(AtelierError):
    """Raised when `Expect` asks for anything but `100-continue`."""

    code = "expectation_failed"
    title = "The expectation cannot be met"


class AddressTooLong(AtelierError):
    """Raised when the request's first line, and so its address, is longer than allowed."""

    code = "address_too_long"
    title = "The address is too long"


class HeadersTooLarge(AtelierError):
    """Raised when a request has more headers, or longer ones, than allowed."""

    code = "headers_too_large"
    title = "The headers are too large"


class TransferCodingUnknown(AtelierError):
    """Raised when the body comes in a transfer coding other than `chunked`."""

    code = "transfer_coding_unknown"
    title = "The transfer coding is not read"


class VersionUnsupported(AtelierError):
    """Raised when the request is of another version of HTTP than 1.0 and 1.1."""

    code = "http_version_unsupported"
    title = "The version of HTTP is not spoken"


class RangeNotSatisfiable(AtelierError):
    """Raised when a Range header asks for bytes that are not there; `Content-Range` tells the size."""

    code = "range_not_satisfiable"
    title = "The range lies outside the content"


class ResultUnavailable(AtelierError):
    """Raised when the result is asked for of a job that has not succeeded."""

    code = "result_unavailable"
    title = "The job has no result"


class PreviewUnavailable(AtelierError):
    """Raised when a preview is asked for of a job that shows none, not yet, or no longer."""

    code = "preview_unavailable"
    title = "The job has no preview"


class NotReady(AtelierError):
    """Raised when a part of the service is missing that jobs need; `errors` names each."""

    code = "not_ready"
    title = "The service is not ready"


class TooManyListeners(AtelierError):
    """Raised when as many clients as may be served at once listen to events already."""

    code = "too_many_listeners"
    title = "Too many clients listen"


class TooManyDownloads(AtelierError):
    """Raised when as many clients as may be served at once download results of batches already."""

    code = "too_many_downloads"
    title = "Too many clients download"
