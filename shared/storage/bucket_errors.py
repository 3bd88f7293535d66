"""What a bucket's errors mean, in words for an operator that name the setting to look at."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass

from obstore.exceptions import BaseError, NotFoundError

from shared.errors import ObjectNotFound, OutOfDisk, StorageUnavailable
from shared.storage.setting_names import OWN, SettingNames

_FULL = (  # no space, or no quota, left
    "(os error 28)",
    "(os error 122)",
    "[Errno 28]",
    "[Errno 122]",
    "status: 507",
    "StorageFull",
    "QuotaExceeded",
)
_NO_BUCKET = ("NoSuchBucket", "ContainerNotFound", "The specified bucket does not exist")
_BULK_DELETE = ("?delete in",)  # S3's request, in which no object can be missing
_UNKNOWN_REQUEST = ("status: 405", "status: 501")
_CODE = re.compile(r"<Code>(\w{1,64})</Code>")
_QUERY = re.compile(r"\?\S*")  # of a URL: may hold a signature


@dataclass(frozen=True, slots=True)
class _Cause:
    """What texts of the library and of servers mean. Any of the marks is enough."""

    marks: tuple[str, ...]
    text: str  # with names of SettingNames in braces
    is_lasting: bool = False  # time alone does not help


_CAUSES = (
    _Cause(
        _NO_BUCKET,
        "the bucket does not exist: make it, or correct {url} or {endpoint}",
        is_lasting=True,
    ),
    _Cause(
        ("RequestTimeTooSkewed", "RequestExpired"),
        "this machine's clock and the bucket's differ too much for signed requests: set the clock",
    ),
    _Cause(
        ("169.254.169.254", "/latest/api/token", "metadata.google.internal"),
        "there are no credentials: set {keys}, or the provider's own variables",
        is_lasting=True,
    ),
    _Cause(
        (
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidToken",
            "ExpiredToken",
            "UnauthenticatedError",
        ),
        "the bucket does not know the credentials: correct {keys}",
        is_lasting=True,
    ),
    _Cause(
        ("AuthorizationHeaderMalformed", "BareRedirect", "PermanentRedirect", "IllegalLocationConstraint"),
        "the bucket is in another region: correct {region} or {endpoint}",
        is_lasting=True,
    ),
    _Cause(
        ("status: 403", "status: 401", "AccessDenied"),
        "the credentials do not allow this: grant {rights} to the key of {key_id}",
        is_lasting=True,
    ),
    _Cause(
        ("SlowDown", "status: 429", "TooManyRequests", "RequestLimitExceeded", "ServerBusy"),
        "the bucket asks for fewer requests",
    ),
    _Cause(("BadScheme",), "http:// is not used unless {plain} says so", is_lasting=True),
    _Cause(("kind: Connect", "dns error"), "nothing answers there: see {endpoint}"),
)
_LATE = ("kind: Timeout", "TimedOut", "operation timed out")


@contextmanager
def bucket_errors(key: str, timeout_seconds: float, names: SettingNames = OWN) -> Iterator[None]:
    """Raise ObjectNotFound, OutOfDisk or StorageUnavailable for an error of the block."""
    try:
        yield
    except (BaseError, OSError) as error:
        raise _meaning(error, key, timeout_seconds, names) from error


def _meaning(
    error: Exception, key: str, timeout_seconds: float, names: SettingNames
) -> ObjectNotFound | StorageUnavailable:
    text = str(error)
    is_missing = isinstance(error, (NotFoundError, FileNotFoundError)) and not _has(text, _NO_BUCKET)
    if _has(text, _BULK_DELETE) and (is_missing or _has(text, _UNKNOWN_REQUEST)):
        lack = "the server does not take many deletes in one request: set AWS_DISABLE_BULK_DELETE=true"
        return StorageUnavailable(inside=f"at {key}: {lack}; {_said(text)}")
    if is_missing:
        return ObjectNotFound(inside=f"nothing is stored under {key}")
    if _has(text, _FULL):
        return OutOfDisk(inside=f"at {key}: {_said(text)}")
    # A time-out while connecting has the marks of both, and is one.
    if _has(text, _LATE):
        late = f"no answer within {timeout_seconds:g} s" + (f" ({names.timeout})" if names.timeout else "")
        return StorageUnavailable(inside=f"at {key}: {late}; {_said(text)}")
    for cause in _CAUSES:
        if _has(text, cause.marks):
            inside = f"at {key}: {cause.text.format(**asdict(names))}; {_said(text)}"
            return StorageUnavailable(inside=inside, is_lasting=cause.is_lasting)
    return StorageUnavailable(inside=f"at {key}: {_said(text)}")


def _has(text: str, marks: tuple[str, ...]) -> bool:
    return any(mark in text for mark in marks)


def _said(text: str) -> str:
    """Return what was tried and what came back, without a server's page and without signatures.

    What follows the first line are internals of the library.
    """
    first = text.partition("\n")[0].partition(": <")[0]
    code = _CODE.search(text)
    return _QUERY.sub("", first) + (f": {code[1]}" if code else "")
