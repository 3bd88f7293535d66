"""The OpenAPI document as plain rows for the page at /docs, which works without a network."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from api.responses.problems import STATUS, subclasses
from shared.errors import AtelierError

Json = dict[str, Any]

METHODS = ("get", "post", "put", "delete")


@dataclass(frozen=True, slots=True)
class Row:
    """One field or parameter."""

    name: str
    kind: str  # its type and limits, as words
    required: bool
    text: str


@dataclass(frozen=True, slots=True)
class Body:
    """One thing that a request may send."""

    media_types: str
    rows: tuple[Row, ...]
    example: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path."""

    id: str
    method: str
    path: str
    summary: str
    text: str
    parameters: tuple[Row, ...]
    bodies: tuple[Body, ...]
    answers: tuple[tuple[str, str, str], ...]  # status, description, name of the schema


@dataclass(frozen=True, slots=True)
class Schema:
    """One named shape of JSON."""

    name: str
    text: str
    rows: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class ErrorCode:
    """One code that a problem may carry."""

    code: str
    status: int
    title: str
    text: str


def operations(document: Json) -> dict[str, list[Operation]]:
    """Return the operations by tag, in the document's order."""
    found: dict[str, list[Operation]] = {tag["name"]: [] for tag in document["tags"]}
    for path, item in document["paths"].items():
        for method in METHODS:
            if method in item:
                found[item[method]["tags"][0]].append(_operation(document, path, method, item[method]))
    return found


def schemas(document: Json) -> list[Schema]:
    """Return the named shapes."""
    parts: Json = document["components"]["schemas"]
    return [
        Schema(name, part.get("description", ""), tuple(_rows(document, part)))
        for name, part in sorted(parts.items())
    ]


def error_codes() -> list[ErrorCode]:
    """Return every code, by name."""
    kinds = [kind for kind in (AtelierError, *subclasses(AtelierError)) if kind in STATUS]
    codes = [ErrorCode(kind.code, STATUS[kind], kind.title, _sentence(kind)) for kind in kinds]
    return sorted(codes, key=lambda entry: entry.code)


def _sentence(kind: type[AtelierError]) -> str:
    return " ".join((kind.__doc__ or "").split()).removeprefix("Raised when ").removeprefix("Raised ")


def _operation(document: Json, path: str, method: str, raw: Json) -> Operation:
    content: Json = raw.get("requestBody", {}).get("content", {})
    return Operation(
        id=raw["operationId"],
        method=method.upper(),
        path=path,
        summary=raw.get("summary", "").rstrip("."),
        text=raw.get("description", ""),
        parameters=tuple(_parameter(entry) for entry in raw.get("parameters", [])),
        bodies=tuple(_bodies(document, content)),
        answers=tuple(_answer(status, entry) for status, entry in raw["responses"].items()),
    )


def _bodies(document: Json, content: Json) -> Iterator[Body]:
    alike: dict[str, list[str]] = {}
    for kind, part in content.items():
        alike.setdefault(json.dumps(part["schema"]), []).append(kind)
    for text, kinds in alike.items():
        example = content[kinds[0]].get("example", "")
        shown = example if isinstance(example, str) else json.dumps(example, indent=2)
        yield Body(" or ".join(kinds), tuple(_rows(document, json.loads(text))), shown)


def _answer(status: str, raw: Json) -> tuple[str, str, str]:
    schemas_used = [_words(part["schema"]) for part in raw.get("content", {}).values()]
    return status, raw["description"], ", ".join(schemas_used)


def _parameter(raw: Json) -> Row:
    name = f"{raw['name']} ({raw['in']})"
    return Row(name, _words(raw["schema"]), raw.get("required", False), raw.get("description", ""))


def _rows(document: Json, schema: Json) -> Iterator[Row]:
    whole = _resolved(document, schema)
    for option in whole.get("oneOf", []):
        yield Row(_words(option), "one of", False, _resolved(document, option).get("description", ""))
    required = whole.get("required", [])
    for name, part in whole.get("properties", {}).items():
        yield Row(name, _words(part), name in required, part.get("description", ""))


def _resolved(document: Json, schema: Json) -> Json:
    if "$ref" not in schema:
        return schema
    found: Json = document["components"]["schemas"][schema["$ref"].rpartition("/")[2]]
    return found


_LIMITS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "minItems": "at least {}",
    "maxItems": "at most {}",
    "maxProperties": "at most {}",
    "maxLength": "at most {} characters",
    "default": "default {}",
}


def _words(schema: Json) -> str:
    """Return a schema in a few words: "integer, ≥ 0, ≤ 9"."""
    limits = [text.format(schema[key]) for key, text in _LIMITS.items() if _worth_saying(schema.get(key))]
    return ", ".join([_kind(schema), *limits])


def _worth_saying(value: object) -> bool:
    return value is not None and not isinstance(value, dict | list)


def _kind(schema: Json) -> str:
    if "$ref" in schema:
        return str(schema["$ref"].rpartition("/")[2])
    options = schema.get("anyOf") or schema.get("oneOf")
    if options:
        return " or ".join(_words(option) for option in options)
    if "const" in schema or "enum" in schema:
        return " | ".join(str(value) for value in schema.get("enum", [schema.get("const")]))
    if schema.get("type") == "array":
        return f"list of {_words(schema.get('items', {}))}"
    return "bytes" if "contentMediaType" in schema else str(schema.get("type", "anything"))
