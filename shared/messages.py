"""Messages about invalid fields: what a value must be, in plain words, and which name was probably meant."""

import json
import re
from collections import Counter
from collections.abc import Callable, Collection, Mapping, Set
from difflib import SequenceMatcher
from itertools import combinations

from pydantic_core import ErrorDetails

_QUOTED = re.compile(r"`([a-z_]+(?:\.[a-z_]+)*)`")  # how a message names another field
MAX_SHOWN = 60  # longest value, in characters, that a message repeats
_WORDS: Mapping[str, str] = {
    "greater_than": "must be greater than {gt}",
    "greater_than_equal": "must be at least {ge}",
    "less_than": "must be less than {lt}",
    "less_than_equal": "must be at most {le}",
    "finite_number": "must be a finite number",
    "literal_error": "must be {expected}",
    "enum": "must be {expected}",
    "union_tag_invalid": "must have a type of {expected_tags}",
    "too_short": "must have {min_length} or more entries",
    "too_long": "must have {max_length} entries or fewer",
    "string_too_short": "must have {min_length} or more characters",
    "string_too_long": "must have {max_length} characters or fewer",
}
_KINDS: Mapping[str, str] = {  # by the beginning of Pydantic's error type
    "int": "must be a whole number",
    "float": "must be a number",
    "bool": "must be true or false",
    "string_type": "must be text",
    "string_pattern": "is not written as it must be",
    "list": "must be a list",
    "tuple": "must be a list",
    "dict": "must be a JSON object",
    "model": "must be a JSON object",
    "path": "must be the path of a file or a folder",
    "json": "must be JSON",
}
ALIKE = 0.75  # least similarity of two words, 0 to 1: port and prot, limit and limits
NEARLY_EQUAL = 0.9  # least similarity of two whole names without separators: loglevel and log_level
LEAST_SHARE = 1 / 3  # least share of a known name's words
MOST = 3  # most names that fit equally well; more of them would not help


def in_words(pointer: str, detail: str, name: str, translated: Callable[[str], str | None]) -> str:
    """Return a fault's message with `name` in place of the field's path, and other field names translated."""
    path = pointer.strip("/").split("/")
    detail = _QUOTED.sub(lambda found: translated(found[1]) or found[0], detail)
    for start, end in sorted(combinations(range(len(path) + 1), 2), key=lambda span: span[0] - span[1]):
        old = ".".join(path[start:end])
        if old and re.match(rf"{re.escape(old)}(?![\w.])", detail):
            return name + detail[len(old) :]
    return detail


def requirement(detail: ErrorDetails, patterns: Mapping[str, str] | None = None) -> str:
    """Return the rule that a value breaks, and the value, as the end of a sentence that starts with its name.

    `patterns` maps the text of a regular expression to a rule in words.
    """
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a known field"
    if kind == "json_invalid":
        return f"is not whole JSON: {context['error']}"
    rule = (patterns or {}).get(str(context.get("pattern"))) or _rule(kind, context)
    own = detail["msg"].replace("Input should be", "must be")  # for an error that Atelier raised
    return f"{rule or own}{_shown(detail['input'])}"


def _rule(kind: str, context: Mapping[str, object]) -> str:
    if kind in _WORDS and context:  # Atelier's own error may have this type with its own message
        return _WORDS[kind].format(**{name: _plain(value) for name, value in context.items()})
    return next((words for begin, words in _KINDS.items() if kind.startswith(begin)), "")


def _plain(value: object) -> object:
    """Return a limit or a value as people write it: 1 instead of 1.0, choices without quotes."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.replace("'", "") if isinstance(value, str) else value


def _shown(value: object) -> str:
    """Return the value as JSON if it is short and simple, otherwise ""."""
    if not isinstance(value, str | int | float | bool) and value is not None:
        return ""
    text = json.dumps(_plain(value) if isinstance(value, float) else value, ensure_ascii=False)
    return f"; got {text}" if len(text) <= MAX_SHOWN else ""


def near(name: str, known: Collection[str]) -> list[str]:
    """Return the known names (words joined by `_`) that fit best, in order; an empty list if none is similar.

    A known name fits if every word of the given name is similar to one of its words, and these cover at least
    a third of its words. A match of the group name alone does not count; a group name is a first word that
    more than three names share.
    """
    firsts = Counter(_words(other)[0] for other in known)
    groups = {word for word, count in firsts.items() if count > MOST}
    shares = {other: _share(_words(name), _words(other), groups) for other in known}
    best = max(shares.values(), default=0.0)
    found = sorted(other for other, share in shares.items() if share == best)
    return found if best > 0 and len(found) <= MOST else []


def _words(name: str) -> list[str]:
    return [word for word in name.lower().removeprefix("atelier_").split("_") if word]


def _alike(one: str, other: str) -> float:
    return SequenceMatcher(None, one, other).ratio()


def _share(given: list[str], known: list[str], groups: Set[str]) -> float:
    """Return how much of a known name the given words cover; 0 if they do not fit."""
    whole = _alike("".join(given), "".join(known))
    if whole >= NEARLY_EQUAL:
        return 1 + whole
    best = [max(((_alike(word, other), other) for other in known), default=(0.0, "")) for word in given]
    covered = {other for likeness, other in best if likeness >= ALIKE}
    if not best or any(likeness < ALIKE for likeness, _ in best) or covered <= groups & set(known[:1]):
        return 0.0
    share = len(covered) / len(known)
    return share if share >= LEAST_SHARE else 0.0
