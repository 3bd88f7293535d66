"""The one HTTP client for requests that others ask for: it reaches only allowed addresses, within bounds.

A name is looked up once, every address is checked, and the connection goes to one that was. What is said to
others of a failure names no address, no state of a port and no bytes of an answer; the log has the rest.
"""

import asyncio
import logging
import zlib
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from ipaddress import ip_address
from socket import SOCK_STREAM, getaddrinfo
from urllib.parse import urljoin, urlsplit

from shared.machine_memory import importing_without
from shared.network.address import Address, refusal
from shared.network.url import MAX_URL, fault_of_host, fault_of_url, literal, port_of

# It imports its command, with rich and pygments, where these are installed: 2 MiB that no service needs.
with importing_without("httpx._main"):
    import httpx

log = logging.getLogger("atelier.network")

CONNECT_SECONDS = 4.0  # an address; the next one of the same name is tried then
MAX_ADDRESSES = 3
MAX_REDIRECTS = 3
LOOKUPS = 64  # threads: a name server that hangs delays only those that ask it
REFUSED = "refused: the host has no address that may be reached"

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_ZIPPED = frozenset({"gzip", "x-gzip", "deflate"})
_EITHER_HEADER = 32 + zlib.MAX_WBITS  # gzip's or zlib's
_UNREACHED = (httpx.ConnectError, httpx.ConnectTimeout)


class NotReached(Exception):
    """Raised where there is no answer that can be used; its text is fit for a client."""


class TooLarge(NotReached):
    """Raised where an answer has more bytes than allowed."""


class _NoUse(Exception):
    """Raised where a request fails before it is answered; its text is for the log alone."""


class _Refused(_NoUse):
    """Raised where the guard itself refuses a URL or all addresses of its host."""


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer to a request."""

    status: int
    headers: Mapping[str, str]
    body: bytes = b""


class GuardedClient:
    """Asks hosts that others have named. To be made and used within one event loop."""

    def __init__(self, *, user_agent: str) -> None:
        self._user_agent = user_agent
        self._lookups = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")
        # The transport alone: a client would keep cookies, and send those of one name to another.
        self._transport = httpx.AsyncHTTPTransport(
            verify=httpx.create_ssl_context(),
            trust_env=False,  # a proxy would look names up again
            # A connection kept for one name must not carry what is meant for another at the same address.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
        )

    async def post(
        self, url: str, body: bytes, headers: Mapping[str, str], *, private: bool, seconds: float
    ) -> Answer:
        """Post a body; return the head of the answer. Redirects are not followed; no body is read."""
        async with (
            _bounded(url, seconds),
            self._asked("POST", url, headers, body, private, seconds) as response,
        ):
            return Answer(response.status_code, response.headers)

    async def get(self, url: str, *, private: bool, seconds: float, most_bytes: int) -> Answer:
        """Return the answer that a URL leads to, its body only with status 200.

        Each redirect is checked as a new URL. Raises TooLarge, NotReached.
        """
        async with _bounded(url, seconds):
            for _ in range(MAX_REDIRECTS + 1):
                headers = {"Accept-Encoding": "identity"}
                async with self._asked("GET", url, headers, b"", private, seconds) as response:
                    location = response.headers.get("Location", "")
                    if response.status_code not in _REDIRECTS or not location:
                        body = await _body(response, most_bytes) if response.status_code == 200 else b""
                        return Answer(response.status_code, response.headers, body)
                url = _joined(url, location)
            raise NotReached(f"refused: there are more than {MAX_REDIRECTS} redirects")

    async def close(self) -> None:
        """Close all connections, and end the threads that look names up."""
        await self._transport.aclose()
        self._lookups.shutdown(wait=False)

    @asynccontextmanager
    async def _asked(
        self, method: str, url: str, headers: Mapping[str, str], body: bytes, private: bool, seconds: float
    ) -> AsyncIterator[httpx.Response]:
        """Yield the head of the answer, from the first address that can be connected to."""
        target = _checked(url)
        addresses = await self._addresses(target, private)
        sent = {"User-Agent": self._user_agent, **headers}
        response: httpx.Response | None = None
        for number, address in enumerate(addresses, 1):
            request = _request_to(address, target, method, sent, body, seconds)
            try:
                response = await self._transport.handle_async_request(request)
                break
            except _UNREACHED:  # "localhost" is two addresses, and few listen on both
                if number == len(addresses):
                    raise
        assert response is not None, "an answer, or an exception from the last address"
        try:
            yield response
        finally:
            await response.aclose()

    async def _addresses(self, target: httpx.URL, private: bool) -> list[Address]:
        found = await self._looked_up(target)
        refusals = [refusal(address, private=private) for address in found]
        allowed = [address for address, reason in zip(found, refusals, strict=True) if not reason]
        if not allowed:
            raise _Refused("; ".join(refusals) or "the name has no address")
        return allowed[:MAX_ADDRESSES]

    async def _looked_up(self, target: httpx.URL) -> list[Address]:
        host = target.raw_host.decode("ascii")
        plain = literal(host)
        if plain is not None:
            return [plain]
        # As bytes: Python would encode a text once more, by older rules for names than those of the URL.
        look_up = partial(getaddrinfo, host.encode("ascii"), _port(target), type=SOCK_STREAM)
        try:
            entries = await asyncio.get_running_loop().run_in_executor(self._lookups, look_up)
        except (OSError, UnicodeError) as error:
            raise _Refused(f"the name cannot be looked up: {error}") from error
        return list(dict.fromkeys(ip_address(entry[4][0]) for entry in entries))


def _checked(url: str) -> httpx.URL:
    """Return a URL without faults. The host that was judged is the host that is asked."""
    fault = "is too long" if len(url) > MAX_URL else fault_of_url(url) or fault_of_host(url)
    if fault:
        raise _Refused(f"the URL {fault}")
    parts = urlsplit(url)
    try:
        target = httpx.URL(url)
        host, port = target.raw_host.decode("ascii"), _port(target)
    except (httpx.InvalidURL, UnicodeError) as error:
        raise _Refused(f"the URL cannot be read: {error}") from error
    if (host, port, target.scheme) != (parts.hostname, port_of(parts), parts.scheme):
        raise _Refused("the URL can be read in two ways")
    return target


def _port(target: httpx.URL) -> int:
    return target.port or (443 if target.scheme == "https" else 80)


def _request_to(
    address: Address, target: httpx.URL, method: str, headers: Mapping[str, str], body: bytes, seconds: float
) -> httpx.Request:
    """Return the request to the very address that was checked; the name stays in Host, and in TLS."""
    silence = httpx.Timeout(seconds, connect=min(seconds, CONNECT_SECONDS))
    return httpx.Request(
        method,
        target.copy_with(host=str(address)),
        headers={**headers, "Host": target.netloc.decode("ascii")},
        content=body or None,
        extensions={
            "timeout": silence.as_dict(),
            "sni_hostname": target.raw_host.decode("ascii").removesuffix("."),
        },
    )


def _joined(url: str, location: str) -> str:
    """Return the URL that a redirect names, relative or absolute, without its fragment."""
    try:
        return urljoin(url, location).partition("#")[0]
    except ValueError as error:
        raise _Refused(f"the redirect cannot be read: {error}") from error


async def _body(response: httpx.Response, most: int) -> bytes:
    """Return the body, decoded, of at most so many bytes."""
    length = response.headers.get("Content-Length", "")
    if length.isascii() and length.isdigit() and int(length[:20]) > most:
        raise TooLarge(f"it has more than {most} bytes")
    decode = _decoder(response.headers.get("Content-Encoding", "").strip().lower())
    data = bytearray()
    async for piece in response.aiter_raw():
        data += decode(piece, most + 1 - len(data))
        if len(data) > most:
            raise TooLarge(f"it has more than {most} bytes")
    return bytes(data)


def _decoder(coding: str) -> Callable[[bytes, int], bytes]:
    """Return what decodes a piece to at most so many bytes; some servers compress without being asked."""
    if coding in ("", "identity"):
        return lambda piece, most: piece[:most]
    if coding in _ZIPPED:
        return zlib.decompressobj(_EITHER_HEADER).decompress
    raise _NoUse(f"the answer comes in another coding than asked for: {coding[:80]!r}")


@asynccontextmanager
async def _bounded(url: str, seconds: float) -> AsyncIterator[None]:
    """Bound the time of a block, and raise NotReached for what goes wrong within it."""
    no_answer = f"no answer within {seconds:g} s"
    try:
        async with asyncio.timeout(seconds):
            yield
    except _Refused as fault:
        _note(url, fault)
        raise NotReached(REFUSED) from fault
    except (TimeoutError, _NoUse, httpx.TransportError, httpx.StreamError, zlib.error, OSError) as fault:
        _note(url, fault)
        raise NotReached(no_answer) from fault


def _note(url: str, fault: Exception) -> None:
    reason = f"{type(fault).__name__}: {fault}"[:500]
    log.info("not reached", extra={"host": _host_in(url), "reason": reason})


def _host_in(url: str) -> str:
    """Return the host of a URL for the log; all of a URL that cannot be taken apart, as Python spells it."""
    try:
        return (urlsplit(url).hostname or "")[:256]
    except ValueError:
        return ascii(url)[:256]
