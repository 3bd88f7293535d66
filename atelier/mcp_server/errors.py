"""Errors as a program that reads words needs them: one sentence, and what to do next."""

from collections.abc import Iterator
from contextlib import contextmanager

from mcp.server.mcpserver.exceptions import ToolError

from atelier.client.errors import ApiError, ClientError, ServiceUnreachable

_NEXT = {  # by HTTP status
    401: "Give a key: over HTTP in the header `Authorization: Bearer atl_...`, else in ATELIER_API_KEY.",
    403: "Ask for a key with this scope.",
    404: "See which there are: `jobs` and `styles` list them.",
    409: "See how the job stands: call `wait` with its id.",
    410: "Make it again.",
    413: "Send a smaller picture.",
    422: "Put that right and call again.",
    429: "Call again in a minute.",
}
_LATER = "Call again in a minute; if that does not help, somebody should run `atelier doctor`."
_START = "Start the service with `atelier up`, or give its address in ATELIER_URL, and call again."


@contextmanager
def plain_errors(before: str = "") -> Iterator[None]:
    """Raise ToolError for the client's errors in the block; `before` says what was done until then."""
    try:
        yield
    except ClientError as error:
        raise ToolError(before + said(error)) from error


def said(error: ClientError) -> str:
    """Return an error's sentence, and what to do next."""
    text = str(error).rstrip(".")
    return f"{text}. {_next(error)}"


def _next(error: ClientError) -> str:
    if isinstance(error, ApiError):
        return _NEXT.get(error.status, _LATER if error.status >= 500 else _NEXT[422])
    if isinstance(error, ServiceUnreachable):
        return _START if error.absent else _LATER
    return _LATER
