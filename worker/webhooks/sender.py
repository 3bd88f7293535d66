"""One signed POST to a receiver, and what its response means for the delivery."""

import base64
import hashlib
import hmac
import random
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from importlib.metadata import version

from shared.network.guarded_client import GuardedClient, NotReached
from shared.signing_secret import key_of
from shared.webhooks.delivery import DeliveryStatus

GONE = 410
MINUTE, HOUR = 60.0, 3600.0
USER_AGENT = f"Atelier/{version('atelier-service')} (webhooks)"


@dataclass(frozen=True, slots=True)
class PostResult:
    """What came of a POST."""

    milliseconds: int
    status: int | None = None  # of the receiver's response; None without one
    error: str = ""  # why there was none
    retry_after_seconds: float | None = None  # what the receiver asked for


class Sender:
    """Posts to receivers. To be made and used within one event loop."""

    def __init__(self, *, timeout_seconds: float) -> None:
        self._timeout = timeout_seconds
        self._client = GuardedClient(user_agent=USER_AGENT)

    async def post(self, url: str, body: bytes, headers: Mapping[str, str], *, private: bool) -> PostResult:
        """Post a body; return what came of it. Redirects are not followed; no body is read."""
        started = time.monotonic()
        status, error, pause = None, "", None
        try:
            answer = await self._client.post(url, body, headers, private=private, seconds=self._timeout)
            status, pause = answer.status, _seconds(answer.headers.get("Retry-After", ""))
        except NotReached as fault:
            error = str(fault)
        return PostResult(int((time.monotonic() - started) * 1000), status, error, pause)

    async def close(self) -> None:
        """Close all connections, and end the threads that look names up."""
        await self._client.close()


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
