"""The format of signing secrets in Standard Webhooks 1.0: whsec_ and standard base64."""

import base64
import binascii
import secrets

PREFIX = "whsec_"
FRESH_BYTES = 32
SHORTEST, LONGEST = 24, 64  # bytes


def new_secret() -> str:
    """Return a new secret."""
    return PREFIX + base64.b64encode(secrets.token_bytes(FRESH_BYTES)).decode()


def key_of(secret: str) -> bytes:
    """Return the bytes that a secret encodes; raise ValueError if it is invalid."""
    if not secret.startswith(PREFIX):
        raise ValueError(f"a webhook secret starts with {PREFIX}")
    try:
        key = base64.b64decode(secret.removeprefix(PREFIX), validate=True)
    except binascii.Error:
        raise ValueError(f"a webhook secret is {PREFIX} and standard base64") from None
    if not SHORTEST <= len(key) <= LONGEST:
        raise ValueError(f"a webhook secret has {SHORTEST} to {LONGEST} bytes, not {len(key)}")
    return key
