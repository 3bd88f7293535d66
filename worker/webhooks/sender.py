"""One signed POST to a receiver, whose address is looked up, checked, and then connected to as it is."""

import asyncio
import base64
import hashlib
import hmac
import time
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from functools import partial
from ipaddress import ip_address
from socket import SOCK_STREAM, getaddrinfo

import httpx

from shared.signing_secret import key_of
from shared.webhooks.address import Address, refusal

CONNECT_SECONDS = 4.0  # an address; the next one of the same name is tried then
MAX_ADDRESSES = 3
LOOKUPS = 64  # threads: a name server that hangs holds up only those who ask it


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a POST."""

    milliseconds: int
    status: int | None = None  # None where nobody answered
    error: str = ""  # why nobody did
    retry_after_seconds: float | None = None  # what the receiver asked for


class Unreachable(Exception):
    """Raised when a receiver cannot or must not be connected to."""


class Sender:
    """Posts to receivers. To be made and used within one event loop."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._lookups = ThreadPoolExecutor(LOOKUPS, thread_name_prefix="lookup")
        self._client = httpx.AsyncClient(
            verify=httpx.create_ssl_context(),
            # A connection kept for one name must not carry what is meant for another at the same address.
            limits=httpx.Limits(max_connections=None, max_keepalive_connections=0),
            timeout=httpx.Timeout(timeout_seconds, connect=CONNECT_SECONDS),
            trust_env=False,  # a proxy would look names up anew
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> Answer:
        """Post a body; return what came of it. Redirects are not followed, the answer's body is not read."""
        started = time.monotonic()
        status, error, pause = None, "", None
        try:
            async with asyncio.timeout(self._timeout):
                status, pause = await self._post(httpx.URL(url), body, headers, private)
        except TimeoutError:
            error = f"no answer within {self._timeout:g} s"
        except (Unreachable, httpx.HTTPError, httpx.InvalidURL) as fault:
            error = str(fault) or type(fault).__name__
        return Answer(int((time.monotonic() - started) * 1000), status, error[:300], pause)

    async def close(self) -> None:
        """Let go of everything."""
        await self._client.aclose()
        self._lookups.shutdown(wait=False)

    async def _post(
        self, url: httpx.URL, body: bytes, headers: Mapping[str, str], private: bool
    ) -> tuple[int, float | None]:
        addresses = await self._addresses(url, private)
        for address in addresses[:-1]:
            try:
                return await self._post_to(address, url, body, headers)
            except (httpx.ConnectError, httpx.ConnectTimeout):
                continue  # "localhost" is two addresses, and few listen on both
        return await self._post_to(addresses[-1], url, body, headers)

    async def _addresses(self, url: httpx.URL, private: bool) -> list[Address]:
        port = url.port or (443 if url.scheme == "https" else 80)
        look_up = partial(getaddrinfo, url.host, port, type=SOCK_STREAM)
        try:
            found = await asyncio.get_running_loop().run_in_executor(self._lookups, look_up)
        except (OSError, UnicodeError) as error:
            raise Unreachable(f"the name {url.host} cannot be looked up") from error
        addresses = list(dict.fromkeys(ip_address(entry[4][0]) for entry in found))
        refusals = [refusal(address, private=private) for address in addresses]
        allowed = [address for address, reason in zip(addresses, refusals, strict=True) if not reason]
        if not allowed:
            raise Unreachable("; ".join(refusals) or f"the name {url.host} has no address")
        return allowed[:MAX_ADDRESSES]

    async def _post_to(
        self, address: Address, url: httpx.URL, body: bytes, headers: Mapping[str, str]
    ) -> tuple[int, float | None]:
        """Post to the very address that was checked; the name stays in Host, and in what TLS verifies."""
        request = self._client.stream(
            "POST",
            url.copy_with(host=str(address)),
            content=body,
            headers={**headers, "Host": url.netloc.decode("ascii")},
            extensions={"sni_hostname": url.host},
        )
        async with request as response:
            return response.status_code, _seconds(response.headers.get("Retry-After", ""))


def _seconds(text: str) -> float | None:
    """Return the pause that a Retry-After asks for, given in seconds or as a date; None without one."""
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - time.time())
    except (ValueError, TypeError):
        return None


def signed_headers(message_id: str, timestamp: int, body: bytes, secrets: Sequence[str]) -> dict[str, str]:
    """Return the headers that vouch for a body: one signature a secret, in their order.

    `timestamp` is in seconds since the epoch; receivers refuse one that is minutes off.
    """
    content = f"{message_id}.{timestamp}.".encode() + body
    return {
        "webhook-id": message_id,
        "webhook-timestamp": str(timestamp),
        "webhook-signature": " ".join(f"v1,{_signature(content, secret)}" for secret in secrets),
    }


def _signature(content: bytes, secret: str) -> str:
    return base64.b64encode(hmac.digest(key_of(secret), content, hashlib.sha256)).decode()
