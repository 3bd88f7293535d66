"""Pydantic's findings in plain words: what a value must be, and what it is. No patterns, no class names."""

import json
from collections.abc import Mapping

from pydantic_core import ErrorDetails

MAX_SHOWN = 60  # characters of a value that are repeated

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
_KINDS: Mapping[str, str] = {  # by how the names of Pydantic's errors begin
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


def requirement(detail: ErrorDetails, patterns: Mapping[str, str] | None = None) -> str:
    """Return what a value must be and what it is, to be read after the value's name.

    `patterns` says of regular expressions, by their text, what a value must be that follows them.
    """
    kind, context = detail["type"], detail.get("ctx", {})
    if kind == "missing":
        return "is missing"
    if kind == "extra_forbidden":
        return "is not a known field"
    if kind == "json_invalid":
        return f"is not whole JSON: {context['error']}"
    told = (patterns or {}).get(str(context.get("pattern"))) or _told(kind, context)
    own = detail["msg"].replace("Input should be", "must be")  # where the error is one of ours
    return f"{told or own}{_shown(detail['input'])}"


def _told(kind: str, context: Mapping[str, object]) -> str:
    if kind in _WORDS and context:  # an error of our own may have the kind and its own sentence
        return _WORDS[kind].format(**{name: _plain(value) for name, value in context.items()})
    return next((words for begin, words in _KINDS.items() if kind.startswith(begin)), "")


def _plain(value: object) -> object:
    """Return a limit or a value as people write it: 1 for 1.0, choices without quotes."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return value.replace("'", "") if isinstance(value, str) else value


def _shown(value: object) -> str:
    """Return the value where it is short and plain, as JSON has it."""
    if not isinstance(value, str | int | float | bool) and value is not None:
        return ""
    text = json.dumps(_plain(value) if isinstance(value, float) else value, ensure_ascii=False)
    return f"; got {text}" if len(text) <= MAX_SHOWN else ""
