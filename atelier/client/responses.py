"""What a response means: success, a problem of the service, or something that no Atelier says."""

from typing import Any

import httpx

from atelier.client.errors import ApiError, ProtocolError
from atelier.client.retries import retry_after_seconds

GATEWAY = frozenset({401, 403, 407, 408, 413, 414, 429, 431})  # errors of a proxy before the service


def checked(response: httpx.Response) -> httpx.Response:
    """Return a successful response, or 304; raise ApiError or ProtocolError for another one."""
    if response.is_error:
        raise _error(response)
    return response


def check_type(response: httpx.Response, wanted: str) -> None:
    """Raise ProtocolError if a response has another media type than the wanted one."""
    if response.headers.get("Content-Type", "").partition(";")[0].strip() != wanted:
        raise ProtocolError(f"{response.request.url} did not answer with {wanted}; is this an Atelier?")


def _error(response: httpx.Response) -> ApiError | ProtocolError:
    """Return what a response with an error means: one of a gateway has not the service's form."""
    status, title = response.status_code, f"HTTP {response.status_code} {response.reason_phrase}"
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and "code" in body:
        return ApiError(body, status=status, retry_after_seconds=retry_after_seconds(response))
    if status in GATEWAY or (status >= 500 and status != httpx.codes.NOT_IMPLEMENTED):
        return ApiError({"title": title, "detail": response.text[:200]}, status=status)
    return ProtocolError(f"{response.request.url} answered {title}, as no Atelier does; is this one?")


def json_of(response: httpx.Response) -> Any:
    """Return the JSON of a response; raise ProtocolError where it is none."""
    try:
        return response.json()
    except ValueError as error:
        raise ProtocolError(
            f"{response.request.url} did not answer with JSON; is this an Atelier?"
        ) from error
