"""Views as JSON responses, pages of lists, and the conditions of requests (RFC 9110, section 13)."""

from collections.abc import Callable, Collection, Mapping
from typing import Any, TypeVar
from urllib.parse import urlencode

from flask import Response, request
from pydantic import BaseModel

from api.errors import PreconditionFailed
from api.services import base_url
from shared.jobs.views import View
from shared.redis.client import Page

Item = TypeVar("Item")

_MATCH = "HTTP_IF_MATCH"


def json_response(view: BaseModel, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Return a view as JSON."""
    return Response(view.model_dump_json(), status, headers, mimetype="application/json")


def list_response(view: View, fields: Collection[str] | None, headers: Mapping[str, str]) -> Response:
    """Return a list as JSON; with `fields`, only these of each entry of its `data`."""
    if fields is None:
        return json_response(view, headers=headers)
    told: Any = {**dict.fromkeys(type(view).model_fields, True), "data": {"__all__": set(fields)}}
    return Response(view.model_dump_json(include=told), headers=headers, mimetype="application/json")


def page_response(
    schema: type[View],
    page: Page[Item],
    view: Callable[[Item], View],
    *,
    fields: Collection[str] | None = None,
    **more: object,
) -> Response:
    """Return a page of a list, with a Link header to the next one where there is one.

    `schema` is the page's own, `view` renders an entry, and `more` are fields that this page has besides.
    With `fields`, only these of each entry are told.
    """
    entries: dict[str, Any] = {
        "object": "list",
        "data": [view(item) for item in page.items],
        "next_cursor": page.next_cursor,
    }
    headers = {"Cache-Control": "private, no-cache"}
    response = list_response(schema(**entries, **more), fields, headers)
    if page.next_cursor is not None:
        query = urlencode({**request.args.to_dict(), "cursor": page.next_cursor})
        response.headers["Link"] = f'<{base_url()}{request.path}?{query}>; rel="next"'
    return response


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
    """Return the response to a GET, or a 304 where the client has it; raise PreconditionFailed."""
    tag, weak = response.get_etag()
    require_match(tag, weak=bool(weak))
    response.make_conditional(reading_environ())
    return response
