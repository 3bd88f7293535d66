"""HTTP underneath the client: one connection pool, retries that are safe, problems turned into exceptions."""

import re
import ssl
import time
import uuid
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar

import httpx

from atelier.client.errors import InvalidAddress, InvalidValue, ServiceUnreachable, reading
from atelier.client.request_parts import check_seconds, json_bytes, set_trace
from atelier.client.responses import check_type, checked, json_of
from atelier.client.retries import is_retryable, pauses, retry_after_seconds

Entry = TypeVar("Entry")
Sleep = Callable[[float], None]

USER_AGENT = "atelier-client"
_PLAIN = re.compile(r"[\x20-\x7e]+")  # what a header's value may hold
CONNECT_SECONDS = 5.0
LATE_SECONDS = 10.0  # how much later than its delay a response may come
PAGE_SIZE = 100  # entries of a list in one response


class Transport:
    """Sends requests that may be repeated: reads, deletes, uploads by content, and posts that carry a key."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_seconds: float,
        retries: int,
        credentials: Mapping[str, str] | None = None,
        ca: str | None = None,
        sleep: Sleep = time.sleep,
    ) -> None:
        check_seconds(timeout_seconds, "timeout_seconds")
        self.base_url = _checked_address(base_url)
        self.timeout_seconds = timeout_seconds
        self._retries = retries
        self._sleep = sleep
        self._has_responded = False  # a service that has responded once is waited for
        self._credentials = _checked_headers(credentials or {})
        self._origin = _origin(httpx.URL(self.base_url))
        self._http = httpx.Client(
            base_url=self.base_url,
            timeout=self._timeout(timeout_seconds),
            headers={"User-Agent": USER_AGENT},
            verify=True if ca is None else _trusting(ca),
            event_hooks={"request": [self._identify]},
        )

    def _identify(self, request: httpx.Request) -> None:
        """Give the service its credentials and the caller's trace, and none that it redirects to or links."""
        set_trace(request.headers, is_own=_origin(request.url) == self._origin)
        for name, value in self._credentials.items():
            request.headers.pop(name, None)
            if _origin(request.url) == self._origin:
                request.headers[name] = value

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
        """Return a successful response, or 304; ApiError for a problem, ServiceUnreachable after all retries.

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
            self._has_responded = True
            if pause is None or not is_retryable(response):
                return checked(response)
            self._sleep(retry_after_seconds(response) or pause)
        raise AssertionError("the last round returns or raises")

    def fetch(self, path: str) -> bytes:
        """Return what a GET brings, also where the service sends us on to its storage; raise as `send`."""
        return self.send("GET", path, follow_redirects=True).content

    def poll(self, path: str, delay_seconds: float, **parts: Any) -> httpx.Response:
        """Send a GET once, whose response the service may delay by some seconds; raise as `send`."""
        late_seconds = min(LATE_SECONDS, self.timeout_seconds)
        params = {**parts.pop("params", {}), "wait": f"{round(delay_seconds, 3):g}"}
        return self.send(
            "GET", path, read_seconds=delay_seconds + late_seconds, retries=0, params=params, **parts
        )

    def entries(
        self, path: str, read: Callable[[Any], Entry], query: Mapping[str, Any] | None = None
    ) -> Iterator[Entry]:
        """Yield every entry of a list, page by page, as `read` understands it."""
        for page in self.pages(path, {"limit": PAGE_SIZE, **(query or {})}):
            yield from map(read, page["data"])

    def light_entries(
        self, path: str, fields: Iterable[str], query: Mapping[str, Any] | None = None
    ) -> Iterator[Mapping[str, Any]]:
        """Yield these fields alone of every entry of a list, page by page; raise as `entries`."""
        return self.entries(path, dict, {**(query or {}), "fields": ",".join(fields)})

    def pages(self, path: str, query: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
        """Yield every page of a list, from the first on; raise ProtocolError where one is none."""
        page = self.page(path, query)
        yield page
        while following := page.get("next_cursor"):
            page = self.page(path, {**query, "cursor": following})
            yield page

    def page(self, path: str, query: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Return one page of a list; raise ProtocolError where it is none."""
        page: Mapping[str, Any] = json_of(self.send("GET", path, params=query or {}))
        with reading("a page of a list"):
            if not (isinstance(page, dict) and isinstance(page["data"], list)):
                raise TypeError("no list")
        return page

    @contextmanager
    def stream(self, path: str, *, read_seconds: float, headers: dict[str, str]) -> Iterator[httpx.Response]:
        """Open a response that is read as it comes; raise as `send` does, without retries."""
        timeout = self._timeout(read_seconds)
        try:
            with self._http.stream("GET", path, timeout=timeout, headers=headers) as response:
                self._has_responded = True
                if response.is_error:
                    response.read()
                check_type(checked(response), headers["Accept"])
                yield response
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> ServiceUnreachable:
        reason = str(error) or type(error).__name__
        asked = error.request.url
        if _origin(asked) != self._origin:  # the service has sent us on
            return ServiceUnreachable(f"no answer from {asked.scheme}://{asked.netloc.decode()}: {reason}")
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and not self._has_responded:
            return ServiceUnreachable(f"no service answers at {self.base_url}: {reason}", absent=True)
        return ServiceUnreachable(f"no answer from {self.base_url}: {reason}")

    def close(self) -> None:
        """Close every connection."""
        self._http.close()


class Resource:
    """A part of the client: the requests that are about one kind of thing."""

    def __init__(self, transport: Transport) -> None:
        self._transport = transport


def _origin(url: httpx.URL) -> tuple[str, str, int | None]:
    return url.scheme, url.host, url.port or {"http": 80, "https": 443}.get(url.scheme)


def _checked_headers(headers: Mapping[str, str]) -> Mapping[str, str]:
    """Return the headers; raise InvalidValue, which repeats no value, where one cannot be sent."""
    for name, value in headers.items():
        if re.fullmatch(r"[A-Za-z0-9!#$%&'*+.^_`|~-]+", name) is None:
            raise InvalidValue(f"{name!r} is no name of a header")
        if _PLAIN.fullmatch(value) is None:
            raise InvalidValue(f"the value of the header {name} must be of printable ASCII characters")
    return dict(headers)


def _trusting(ca: str) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as error:
        raise InvalidValue(f"{ca} holds no certificates: {error.strerror or error}") from error


def _checked_address(url: str) -> str:
    try:
        parts = httpx.URL(url)
    except httpx.InvalidURL as error:
        raise InvalidAddress(f"{url!r} is no address: {error}") from error
    if parts.scheme not in ("http", "https") or not parts.host:
        raise InvalidAddress(f"{url!r} is no address of a service; one looks like http://127.0.0.1:8480")
    return url.rstrip("/")


def idempotency_header(key: str | None) -> dict[str, str]:
    """Return the header that makes a post safe to send again; without a key it gets a new one."""
    return {"Idempotency-Key": key or uuid.uuid4().hex}
