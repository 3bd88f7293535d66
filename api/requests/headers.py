"""What a client asks for in headers and in `?wait=`: how long to wait, and under which key."""

import re
from dataclasses import dataclass

from flask import request

from api.errors import InvalidHeader
from api.services import services
from shared.errors import InvalidRequest

_KEY = re.compile(r"[\x21\x23-\x5b\x5d-\x7e](?:[\x20\x21\x23-\x5b\x5d-\x7e]{0,253}[\x21\x23-\x5b\x5d-\x7e])?")
_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?")


@dataclass(frozen=True, slots=True)
class Preference:
    """What the Prefer header asks of a submission (RFC 7240)."""

    wait_seconds: float  # 0: answer at once
    applied: str  # the value of Preference-Applied; "" where nothing was preferred


def preference() -> Preference:
    """Read Prefer: wait=n and respond-async; anything else in it is ignored, as the RFC demands."""
    wanted = _tokens(", ".join(request.headers.getlist("Prefer")))
    limit = services().settings.api.max_wait_seconds
    text = wanted.get("wait")
    if text is not None and (not text or _SECONDS.fullmatch(text)):
        seconds = min(float(text), limit) if text else limit
        return Preference(seconds, f"wait={seconds:g}")
    return Preference(0, "respond-async" if "respond-async" in wanted else "")


def _tokens(header: str) -> dict[str, str]:
    pairs = (part.partition("=") for part in re.split(r"[,;]", header))
    found: dict[str, str] = {}
    for name, _, value in pairs:
        found.setdefault(name.strip().lower(), value.strip().strip('"'))
    return found


def wait_seconds() -> float:
    """Return the seconds of `?wait=`, at most what the settings allow; 0 where it is absent."""
    text = request.args.get("wait", "0")
    if _SECONDS.fullmatch(text) is None:
        raise InvalidRequest.of_field("/wait", "wait must be a number of seconds, such as 30")
    return min(float(text), services().settings.api.max_wait_seconds)


def idempotency_key() -> str:
    """Return the Idempotency-Key, "" where there is none; plain or quoted as the draft standard has it."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return ""
    key = given[1:-1] if len(given) > 1 and given[0] == given[-1] == '"' else given
    if _KEY.fullmatch(key) is None:
        raise InvalidHeader("Idempotency-Key must be 1 to 255 printable ASCII characters without quotes")
    return key
