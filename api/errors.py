"""Errors that only HTTP knows: about headers, encodings and the order of calls."""

from shared.errors import AtelierError


class BadRequest(AtelierError):
    """Raised when a request cannot be understood as HTTP."""

    code = "bad_request"
    title = "The request cannot be understood"


class UnknownHost(AtelierError):
    """Raised when `Host` is none of the service's names: the setting ATELIER_API_KNOWN_HOSTS adds names."""

    code = "unknown_host"
    title = "The host is none of the service's names"


class ForeignOrigin(AtelierError):
    """Raised when a page of another origin asks for a change: ATELIER_API_ALLOWED_ORIGINS lets it in."""

    code = "foreign_origin"
    title = "Pages of this origin may change nothing"


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


class AccessRefused(AtelierError):
    """Raised when a request may not be made; `challenge` says how it could be (RFC 6750)."""

    code = "access_refused"
    title = "The request is not allowed"
    challenge = 'Bearer realm="atelier"'


class KeyMissing(AccessRefused):
    """Raised when a request has no API key, and the service needs one."""

    code = "api_key_missing"
    title = "An API key is needed"


class KeyRefused(AccessRefused):
    """Raised when the API key of a request is unknown, revoked or expired."""

    code = "api_key_invalid"
    title = "The API key is not valid"

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.challenge = f'{AccessRefused.challenge}, error="invalid_token", error_description="{detail}"'


class UserRefused(AccessRefused):
    """Raised when a proxy asks in the name of a user who cannot be an owner."""

    code = "user_refused"
    title = "The user's name cannot be used"


class ScopeMissing(AccessRefused):
    """Raised when the API key of a request lacks the scope that the address needs."""

    code = "scope_missing"
    title = "The API key does not allow this"

    def __init__(self, detail: str = "", *, scope: str = "") -> None:
        super().__init__(detail)
        self.challenge = f'{AccessRefused.challenge}, error="insufficient_scope", scope="{scope}"'


class RateLimited(AtelierError):
    """Raised when more requests come in a minute than one key, or one address, may send."""

    code = "rate_limited"
    title = "Too many requests"

    def __init__(self, detail: str = "", *, retry_after_seconds: int = 1) -> None:
        super().__init__(detail)
        self.retry_after_seconds = retry_after_seconds  # after which there is room again


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


class PictureNotFetched(AtelierError):
    """Raised when a picture that a request names by its address cannot be fetched, or must not be."""

    code = "picture_not_fetched"
    title = "A picture cannot be fetched"


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


class TooManyFetches(AtelierError):
    """Raised when as many requests as may be served at once fetch pictures already."""

    code = "too_many_fetches"
    title = "Too many pictures are being fetched"
