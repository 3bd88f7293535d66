"""HTTP underneath the client: one connection pool, retries that are safe, problems turned into exceptions."""

import random
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

import httpx

from atelier.client.errors import ApiError, InvalidAddress, ProtocolError, ServiceUnreachable, reading
from atelier.client.json_body import check_seconds, json_bytes

USER_AGENT = "atelier-client"
CONNECT_SECONDS = 5.0
GATEWAY = frozenset({401, 403, 407, 408, 413, 414, 429, 431})  # what a proxy before the service may answer
HTTP_SERVER_ERROR, HTTP_NOT_IMPLEMENTED = 500, 501
FIRST_PAUSE_SECONDS = 0.25
LONGEST_PAUSE_SECONDS = 8.0
LONGEST_RETRY_AFTER_SECONDS = 60.0
RETRYABLE = frozenset({429, 500, 502, 503, 504, 507})  # 507: storage is full, and may be swept soon


class Transport:
    """Sends requests that may be repeated: reads, deletes, uploads by content, and posts that carry a key."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_seconds: float,
        retries: int,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        check_seconds(timeout_seconds, "timeout_seconds")
        self.base_url = _checked_address(base_url)
        self.timeout_seconds = timeout_seconds
        self._retries = retries
        self._sleep = sleep
        self._has_answered = False  # a service that was there is waited for; one that never was is not
        self._http = httpx.Client(
            base_url=self.base_url, timeout=self._timeout(timeout_seconds), headers={"User-Agent": USER_AGENT}
        )

    @staticmethod
    def _timeout(read_seconds: float) -> httpx.Timeout:
        return httpx.Timeout(read_seconds, connect=min(CONNECT_SECONDS, read_seconds))

    def send(
        self,
        method: str,
        path: str,
        *,
        read_seconds: float | None = None,
        retries: int | None = None,
        **parts: Any,
    ) -> httpx.Response:
        """Return a good answer, or 304; ApiError for a problem, ServiceUnreachable after all retries.

        Where no connection can be made and none ever was, ServiceUnreachable is raised at once. Raises
        InvalidValue where the `json` among the parts cannot be sent.
        """
        if "json" in parts:
            headers = {**parts.get("headers", {}), "Content-Type": "application/json"}
            parts |= {"content": json_bytes(parts.pop("json")), "headers": headers}
        timeout = self._timeout(read_seconds or self.timeout_seconds)
        for pause in (*pauses(self._retries if retries is None else retries), None):
            try:
                response = self._http.request(method, path, timeout=timeout, **parts)
            except httpx.TransportError as error:
                unreachable = self._unreachable(error)
                if pause is None or unreachable.absent:
                    raise unreachable from error
                self._sleep(pause)
                continue
            self._has_answered = True
            if pause is None or not is_retryable(response):
                return _checked(response)
            self._sleep(asked_pause(response) or pause)
        raise AssertionError("the last round returns or raises")

    def pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield every page of a list, from the first on."""
        cursor: dict[str, Any] = {}
        while True:
            page = json_of(self.send("GET", path, params={**query, **cursor}))
            with reading("a page of a list"):
                entries, following = page["data"], page.get("next_cursor")
                if not isinstance(entries, list):
                    raise TypeError("no list")
            yield page
            if not following:
                return
            cursor = {"cursor": following}

    @contextmanager
    def stream(self, path: str, *, read_seconds: float, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """Open an answer to be read as it comes, once; raise as `send` does, without retries."""
        timeout = self._timeout(read_seconds)
        try:
            with self._http.stream("GET", path, timeout=timeout, headers=headers) as response:
                self._has_answered = True
                if response.is_error:
                    response.read()
                _check_type(_checked(response), headers["Accept"])
                yield response
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> ServiceUnreachable:
        reason = str(error) or type(error).__name__
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and not self._has_answered:
            return ServiceUnreachable(f"no service answers at {self.base_url}: {reason}", absent=True)
        return ServiceUnreachable(f"no answer from {self.base_url}: {reason}")

    def close(self) -> None:
        """Close every connection."""
        self._http.close()


def _checked_address(url: str) -> str:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidAddress(f"{url!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.host:
        raise InvalidAddress(f"{url!r} is no address of a service; one looks like http://127.0.0.1:8480")
    return url.rstrip("/")


def _checked(response: httpx.Response) -> httpx.Response:
    if response.is_error:
        raise _error(response)
    return response


def _check_type(response: httpx.Response, wanted: str) -> None:
    if response.headers.get("Content-Type", "").partition(";")[0].strip() != wanted:
        raise ProtocolError(f"{response.request.url} did not answer with {wanted}; is this an Atelier?")


def _error(response: httpx.Response) -> ApiError | ProtocolError:
    """Return what an answer with an error means: only a gateway on the way has none of the service's form."""
    status, title = response.status_code, f"HTTP {response.status_code} {response.reason_phrase}"
    try:
        body = response.json()
    except ValueError:
        body = None
    if isinstance(body, dict) and "code" in body:
        return ApiError(body, status=status)
    if status in GATEWAY or (status >= HTTP_SERVER_ERROR and status != HTTP_NOT_IMPLEMENTED):
        return ApiError({"title": title, "detail": response.text[:200]}, status=status)
    return ProtocolError(f"{response.request.url} answered {title}, as no Atelier does; is this one?")


def json_of(response: httpx.Response) -> Any:
    """Return the JSON of an answer; raise ProtocolError where it is none."""
    try:
        return response.json()
    except ValueError as error:
        raise ProtocolError(
            f"{response.request.url} did not answer with JSON; is this an Atelier?"
        ) from error


def is_retryable(response: httpx.Response) -> bool:
    """Whether the same request may succeed soon."""
    return response.status_code in RETRYABLE


def may_pass(error: ApiError | ServiceUnreachable) -> bool:
    """Whether the same request may succeed soon, though it ended in this error."""
    return error.status in RETRYABLE if isinstance(error, ApiError) else not error.absent


def pauses(retries: int) -> Iterator[float]:
    """Yield the pause before each retry, in seconds: doubling, half of it by chance."""
    for number in range(retries):
        longest = min(LONGEST_PAUSE_SECONDS, FIRST_PAUSE_SECONDS * 2**number)
        yield longest * random.uniform(0.5, 1.0)


def asked_pause(response: httpx.Response) -> float | None:
    """Return the seconds of Retry-After, a number or a date, at most a minute; None where there is none."""
    text = response.headers.get("Retry-After", "").strip()
    seconds = float(text) if text.isascii() and text.isdigit() else _seconds_until(text)
    return None if seconds is None else min(max(seconds, 0.0), LONGEST_RETRY_AFTER_SECONDS)


def _seconds_until(text: str) -> float | None:
    try:
        moment = parsedate_to_datetime(text)
    except ValueError:
        return None
    return (moment - datetime.now(UTC)).total_seconds() if moment.tzinfo else None
