"""One signed POST to a receiver, and what its response means for the delivery.

The receiver's address is looked up, checked, and then connected to as it is.
"""

import asyncio
import base64
import hashlib
import hmac
import random
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
from shared.webhooks.delivery import DeliveryStatus

CONNECT_SECONDS = 4.0  # an address; the next one of the same name is tried then
MAX_ADDRESSES = 3
GONE = 410
MINUTE, HOUR = 60.0, 3600.0
LOOKUPS = 64  # threads: a name server that hangs delays only those that ask it


@dataclass(frozen=True, slots=True)
class PostResult:
    """What came of a POST."""

    milliseconds: int
    status: int | None = None  # of the receiver's response; None without one
    error: str = ""  # why there was none
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
            trust_env=False,  # a proxy would look names up again
        )

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> PostResult:
        """Post a body; return what came of it. Redirects are not followed; no body is read."""
        started = time.monotonic()
        status, error, pause = None, "", None
        try:
            async with asyncio.timeout(self._timeout):
                status, pause = await self._post(httpx.URL(url), body, headers, private)
        except TimeoutError:
            error = f"no answer within {self._timeout:g} s"
        except (Unreachable, httpx.HTTPError, httpx.InvalidURL) as fault:
            error = str(fault) or type(fault).__name__
        return PostResult(int((time.monotonic() - started) * 1000), status, error[:300], pause)

    async def close(self) -> None:
        """Close all connections, and end the threads that look names up."""
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


@dataclass(frozen=True, slots=True)
class DeliveryRules:
    """How deliveries are tried."""

    timeout_seconds: float = 10.0  # of a try, from looking up the name to the head of the response
    lease_seconds: float = 30.0  # a try whose worker died is made again after this
    at_once: int = 64
    at_once_a_host: int = 8
    pauses_seconds: tuple[float, ...] = (
        5.0, 5 * MINUTE, 30 * MINUTE, 2 * HOUR, 5 * HOUR, 10 * HOUR, 14 * HOUR, 20 * HOUR, 24 * HOUR,
    )  # fmt: skip

    @property
    def max_tries(self) -> int:
        """How often a delivery is tried."""
        return len(self.pauses_seconds) + 1


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a try means for its delivery."""

    status: DeliveryStatus
    error: str = ""
    pause_seconds: float = 0.0  # before the next try, while pending


def judge(result: PostResult, tries: int, rules: DeliveryRules) -> Verdict:
    """Return what a result means for a delivery that has been tried `tries` times."""
    error = result.error or _fault(result.status or 0)
    if not error:
        return Verdict(DeliveryStatus.DELIVERED)
    if result.status == GONE:
        return Verdict(DeliveryStatus.DISABLED, error)
    if tries >= rules.max_tries:
        return Verdict(DeliveryStatus.FAILED, error)
    planned = rules.pauses_seconds[tries - 1] * random.uniform(0.9, 1.1)
    asked = min(result.retry_after_seconds or 0.0, 24 * HOUR)
    return Verdict(DeliveryStatus.PENDING, error, max(planned, asked))


def _fault(status: int) -> str:
    if 200 <= status < 300:
        return ""
    if 300 <= status < 400:
        return f"answered {status}: redirects are not followed"
    return f"answered {status}"
