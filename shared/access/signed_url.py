"""Signed addresses: who has one reads one picture for an hour or two, without the key itself.

They are signed with what the store keeps of the key that asked for them, so they end with it.
"""

import hmac
import re
from hashlib import sha256

from shared.access.key import ApiKey

STEP_SECONDS = (
    3600  # addresses made within one step are equal, so that a representation does not change each second
)
_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def signed_query(key: ApiKey, path: str, now: float) -> str:
    """Return the query that lets anybody read a path, in the key's name; `now` is in milliseconds."""
    expires = (int(now / 1000) // STEP_SECONDS + 2) * STEP_SECONDS
    return f"?key={key.id}&expires={expires}&signature={_signature(key, path, str(expires))}"


def is_signed(key: ApiKey, path: str, *, expires: str, signature: str, now: float) -> bool:
    """Whether a query's signature is the key's for this path, and not over."""
    known = _signature(key, path, expires)
    is_same = hmac.compare_digest(known.encode(), signature.encode("utf-8", "replace"))
    return is_same and _SECONDS.fullmatch(expires) is not None and now < int(expires) * 1000


def _signature(key: ApiKey, path: str, expires: str) -> str:
    message = f"GET\n{key.id}\n{path}\n{expires}"
    return hmac.new(bytes.fromhex(key.digest), message.encode("utf-8", "replace"), sha256).hexdigest()
