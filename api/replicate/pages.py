"""Pages of lists as Replicate has them: the address of the next one, and `results`."""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from flask import Response, request
from pydantic import BaseModel

from api.services import base_url

Json = Mapping[str, Any]


def json_of(value: Json, status: int = 200) -> Response:
    """Return a response with JSON that is kept by nobody but the client."""
    return Response(
        json.dumps(value), status, {"Cache-Control": "private, no-cache"}, mimetype="application/json"
    )


def page_of(results: Sequence[Json | BaseModel], next_cursor: str | None = None) -> Response:
    """Return a page; `previous` is null on each, as lists are read forward alone."""
    following = None
    if next_cursor is not None:
        query = urlencode({**request.args.to_dict(), "cursor": next_cursor})
        following = f"{base_url()}{request.path}?{query}"
    entries = [entry.model_dump() if isinstance(entry, BaseModel) else entry for entry in results]
    return json_of({"previous": None, "next": following, "results": entries})
