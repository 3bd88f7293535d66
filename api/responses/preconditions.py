"""Conditions of a request that hold before anything is done or sent (RFC 9110, section 13)."""

from collections.abc import Callable
from typing import Any

from flask import Response, request

from api.errors import PreconditionFailed

_MATCH = "HTTP_IF_MATCH"


def require_match(tag: str | None, *, weak: bool = False) -> None:
    """Raise PreconditionFailed where `If-Match` names other versions than the strong tag of this one."""
    if not request.headers.get("If-Match") or request.if_match.star_tag:
        return
    if not tag or weak or not request.if_match.is_strong(tag):
        now = f'its entity tag is {"W/" * weak}"{tag}"' if tag else "it has no entity tag"
        raise PreconditionFailed(f"If-Match names no version of this that there is: {now}")


def require_version(read: Callable[[], Response]) -> None:
    """Raise PreconditionFailed where `If-Match` names other versions than that of the response to a GET."""
    if "If-Match" in request.headers:
        tag, weak = read().get_etag()
        require_match(tag, weak=bool(weak))


def reading_environ() -> dict[str, Any]:
    """Return the request's environment for Werkzeug, which would let `If-Match` decide about a 304."""
    return {name: value for name, value in request.environ.items() if name != _MATCH}


def conditional(response: Response) -> Response:
    """Return the answer to a GET, or a 304 where the client has it; raise PreconditionFailed."""
    tag, weak = response.get_etag()
    require_match(tag, weak=bool(weak))
    response.make_conditional(reading_environ())
    return response
