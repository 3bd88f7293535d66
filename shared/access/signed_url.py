"""Signed addresses: who has one reads what is there for a time, without the key itself.

They are signed with what the store keeps of a key, so they end with it. To replace the secret, replace the
key: addresses of the new one and of the old one are valid together until the old one is revoked.
"""

import hmac
import re
from hashlib import sha256

from shared.access.key import ApiKey

_SECONDS = re.compile(r"[0-9]{1,12}", re.ASCII)


def signed_query(key: ApiKey, path: str, now: float, *, seconds: int) -> str:
    """Return the query that lets anybody read a path, in the key's name; `now` is in milliseconds.

    It does so for `seconds` at least, and for twice as long at most: addresses made within one step of so
    many seconds are equal, so that a representation does not change each second.
    """
    expires = (int(now / 1000) // seconds + 2) * seconds
    return f"?key={key.id}&expires={expires}&signature={_signature(key, path, str(expires))}"


def is_signed(key: ApiKey, path: str, *, expires: str, signature: str, now: float) -> bool:
    """Whether a query's signature is the key's for this path, and not over."""
    known = _signature(key, path, expires)
    is_same = hmac.compare_digest(known.encode(), signature.encode("utf-8", "replace"))
    return is_same and _SECONDS.fullmatch(expires) is not None and now < int(expires) * 1000


def _signature(key: ApiKey, path: str, expires: str) -> str:
    message = f"GET\n{key.id}\n{path}\n{expires}"
    return hmac.new(bytes.fromhex(key.digest), message.encode("utf-8", "replace"), sha256).hexdigest()
