"""Sentences about fields, in the words of whoever meets them: a form's fields, a command's options."""

import re
from collections.abc import Callable
from itertools import combinations

_QUOTED = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")  # how a sentence names a further field


def in_words(pointer: str, detail: str, name: str, translated: Callable[[str], str | None]) -> str:
    """Return a fault's sentence with `name` where it names its field, and further fields translated."""
    path = pointer.strip("/").split("/")
    detail = _QUOTED.sub(lambda found: translated(found[1]) or found[0], detail)
    for start, end in sorted(combinations(range(len(path) + 1), 2), key=lambda span: span[0] - span[1]):
        old = ".".join(path[start:end])
        if old and re.match(rf"{re.escape(old)}(?![\w.])", detail):
            return name + detail[len(old) :]
    return detail
