"""Made from atelier/client/transport.py by `make async-client`: change that file, not this one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterable, Mapping
from contextlib import aclosing, asynccontextmanager
from typing import Any

import httpx

from atelier.client.aio.concurrency import Sleep
from atelier.client.errors import ServiceUnreachable, reading
from atelier.client.request_parts import check_seconds, json_bytes, set_trace
from atelier.client.responses import check_type, checked, json_of
from atelier.client.retries import is_retryable, pauses, retry_after_seconds
from atelier.client.transport import (
    CONNECT_SECONDS,
    LATE_SECONDS,
    PAGE_SIZE,
    USER_AGENT,
    Entry,
    _checked_address,
    _checked_headers,
    _origin,
    _trusting,
)


class AsyncTransport:
    """Sends requests that may be repeated: reads, deletes, uploads by content, and posts that carry a key."""

    def __init__(
        self,
        base_url: str,
        *,
        timeout_seconds: float,
        retries: int,
        credentials: Mapping[str, str] | None = None,
        ca: str | None = None,
        sleep: Sleep = asyncio.sleep,
    ) -> None:
        check_seconds(timeout_seconds, "timeout_seconds")
        self.base_url = _checked_address(base_url)
        self.timeout_seconds = timeout_seconds
        self._retries = retries
        self._sleep = sleep
        self._has_responded = False
        self._credentials = _checked_headers(credentials or {})
        self._origin = _origin(httpx.URL(self.base_url))
        self._http = httpx.AsyncClient(
            base_url=self.base_url,
            timeout=self._timeout(timeout_seconds),
            headers={"User-Agent": USER_AGENT},
            verify=True if ca is None else _trusting(ca),
            event_hooks={"request": [self._identify]},
        )

    async def _identify(self, request: httpx.Request) -> None:
        """Give the service its credentials and the caller's trace, and none that it redirects to or links."""
        set_trace(request.headers, is_own=_origin(request.url) == self._origin)
        for name, value in self._credentials.items():
            request.headers.pop(name, None)
            if _origin(request.url) == self._origin:
                request.headers[name] = value

    @staticmethod
    def _timeout(read_seconds: float) -> httpx.Timeout:
        return httpx.Timeout(read_seconds, connect=min(CONNECT_SECONDS, read_seconds))

    async def send(
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
                response = await self._http.request(method, path, timeout=timeout, **parts)
            except httpx.TransportError as error:
                unreachable = self._unreachable(error)
                if pause is None or unreachable.absent:
                    raise unreachable from error
                await self._sleep(pause)
                continue
            self._has_responded = True
            if pause is None or not is_retryable(response):
                return checked(response)
            await self._sleep(retry_after_seconds(response) or pause)
        raise AssertionError("the last round returns or raises")

    async def fetch(self, path: str) -> bytes:
        """Return what a GET brings, also where the service sends us on to its storage; raise as `send`."""
        return (await self.send("GET", path, follow_redirects=True)).content

    async def poll(self, path: str, delay_seconds: float, **parts: Any) -> httpx.Response:
        """Send a GET once, whose response the service may delay by some seconds; raise as `send`."""
        late_seconds = min(LATE_SECONDS, self.timeout_seconds)
        params = {**parts.pop("params", {}), "wait": f"{round(delay_seconds, 3):g}"}
        return await self.send(
            "GET", path, read_seconds=delay_seconds + late_seconds, retries=0, params=params, **parts
        )

    async def entries(
        self, path: str, read: Callable[[Any], Entry], query: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Entry, None]:
        """Yield every entry of a list, page by page, as `read` understands it."""
        async with aclosing(self.pages(path, {"limit": PAGE_SIZE, **(query or {})})) as stream:
            async for page in stream:
                for entry in map(read, page["data"]):
                    yield entry

    def light_entries(
        self, path: str, fields: Iterable[str], query: Mapping[str, Any] | None = None
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield these fields alone of every entry of a list, page by page; raise as `entries`."""
        return self.entries(path, dict, {**(query or {}), "fields": ",".join(fields)})

    async def pages(self, path: str, query: Mapping[str, Any]) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield every page of a list, from the first on; raise ProtocolError where one is none."""
        page = await self.page(path, query)
        yield page
        while following := page.get("next_cursor"):
            page = await self.page(path, {**query, "cursor": following})
            yield page

    async def page(self, path: str, query: Mapping[str, Any] | None = None) -> Mapping[str, Any]:
        """Return one page of a list; raise ProtocolError where it is none."""
        page: Mapping[str, Any] = json_of(await self.send("GET", path, params=query or {}))
        with reading("a page of a list"):
            if not (isinstance(page, dict) and isinstance(page["data"], list)):
                raise TypeError("no list")
        return page

    @asynccontextmanager
    async def stream(
        self, path: str, *, read_seconds: float, headers: dict[str, str]
    ) -> AsyncIterator[httpx.Response]:
        """Open a response that is read as it comes; raise as `send` does, without retries."""
        timeout = self._timeout(read_seconds)
        try:
            async with self._http.stream("GET", path, timeout=timeout, headers=headers) as response:
                self._has_responded = True
                if response.is_error:
                    await response.aread()
                check_type(checked(response), headers["Accept"])
                yield response
        except httpx.TransportError as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: httpx.TransportError) -> ServiceUnreachable:
        reason = str(error) or type(error).__name__
        asked = error.request.url
        if _origin(asked) != self._origin:
            return ServiceUnreachable(f"no answer from {asked.scheme}://{asked.netloc.decode()}: {reason}")
        if isinstance(error, httpx.ConnectError | httpx.ConnectTimeout) and (not self._has_responded):
            return ServiceUnreachable(f"no service answers at {self.base_url}: {reason}", absent=True)
        return ServiceUnreachable(f"no answer from {self.base_url}: {reason}")

    async def close(self) -> None:
        """Close every connection."""
        await self._http.aclose()


class AsyncResource:
    """A part of the client: the requests that are about one kind of thing."""

    def __init__(self, transport: AsyncTransport) -> None:
        self._transport = transport
