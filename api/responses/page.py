"""One page of a list as a response."""

from urllib.parse import urlencode

from flask import Response, request
from pydantic import BaseModel

from api.responses.urls import base_url


def page_answer(page: BaseModel, next_cursor: str | None) -> Response:
    """Return a page, with a Link header to the next one where there is one."""
    response = Response(page.model_dump_json(), mimetype="application/json")
    response.headers["Cache-Control"] = "private, no-cache"
    if next_cursor is not None:
        query = urlencode({**request.args.to_dict(), "cursor": next_cursor})
        response.headers["Link"] = f'<{base_url()}{request.path}?{query}>; rel="next"'
    return response
