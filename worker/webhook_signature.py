"""How a webhook is signed: Standard Webhooks 1.0, symmetric (v1)."""

import base64
import hashlib
import hmac
from collections.abc import Sequence

from shared.webhook_keys import key_of


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
