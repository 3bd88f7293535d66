"""Compares what a page shows with what really came. `...` stands for what the page leaves out."""

import json
import re
from collections.abc import Iterator
from typing import Any

REST = "..."  # as a member or an item: there may be more
TAKEN = {"queue": None}  # how a job may come that is shown as queued: a worker was quick
PASSING = {"status", "queue"}  # what it then says otherwise


def parse_shown(text: str) -> Any:
    """Return shown JSON as values, its ellipses as members and items of that name."""
    return json.loads(re.sub(r"\.\.\.(?=\s*})", '"...": 0', re.sub(r"\.\.\.(?=\s*])", '"..."', text)))


def differences(shown: Any, real: Any, at: str = "") -> Iterator[str]:
    """Say where shown JSON is not what came. Which number, and which id, does not count."""
    if isinstance(shown, dict) and isinstance(real, dict):
        yield from _different_members(shown, real, at)
    elif isinstance(shown, list) and isinstance(real, list):
        yield from _different_items(shown, real, at)
    elif isinstance(shown, str) and isinstance(real, str):
        if not re.fullmatch(re.escape(_form(shown)).replace(re.escape(REST), ".*"), _form(real), re.DOTALL):
            yield f"{at}: {real!r} came"
    elif type(shown) is not type(real):
        yield f"{at}: {real!r} came"


def _form(text: str) -> str:
    """Return what does not change from one run to the next: ids and digits do."""
    return re.sub(r"\d", "0", re.sub(r"_[0-9a-f]{4,}", "_0", text))


def _different_members(shown: dict[str, Any], real: dict[str, Any], at: str) -> Iterator[str]:
    for name in shown.keys() - real.keys() - {REST}:
        yield f"{at}/{name} did not come"
    for name in real.keys() - shown.keys() if REST not in shown else ():
        yield f"{at}/{name} came as well"
    passing = PASSING if real.items() >= TAKEN.items() else set()
    for name in (shown.keys() & real.keys()) - passing:
        yield from differences(shown[name], real[name], f"{at}/{name}")


def _different_items(shown: list[Any], real: list[Any], at: str) -> Iterator[str]:
    wanted = [item for item in shown if item != REST]
    if len(wanted) > len(real) or (wanted == shown and len(shown) != len(real)):
        yield f"{at}: {len(real)} items came"
    for index, (item, other) in enumerate(zip(wanted, real, strict=False)):
        yield from differences(item, other, f"{at}/{index}")


def message_differences(shown: str, real: str) -> Iterator[str]:
    """Say where a shown HTTP message, a first line, headers and a body of JSON, is not what came."""
    (first, headers, body), (real_first, real_headers, real_body) = _parts(shown), _parts(real)
    if first.split()[:2] != real_first.split()[:2]:
        yield f"{real_first!r} came"
    yield from (f"the header {name} did not come" for name in headers - real_headers)
    yield from differences(parse_shown(body), json.loads(real_body))


def _parts(message: str) -> tuple[str, set[str], str]:
    head, _, body = message.replace("\r\n", "\n").partition("\n\n")
    first, *headers = head.splitlines()
    return first, {header.partition(":")[0].lower() for header in headers}, body
