"""HTML forms as job requests, so that one `curl -F` does what takes an upload and a JSON body otherwise."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import FileStorage, ImmutableMultiDict

from api.edge_errors import MalformedJson
from api.request_body import decode_json
from shared.errors import AtelierError, FieldError, InvalidRequest
from shared.identifiers import file_id, sha256

WHERE: dict[str, tuple[str, ...]] = {  # a form field's place in the specification
    "model": ("model",),
    "lane": ("lane",),
    "ttl_seconds": ("ttl_seconds",),
    "metadata": ("metadata",),
    "format": ("output", "format"),
    "quality": ("output", "quality"),
    "strength": ("strength",),
    "max_side": ("size", "max_side"),
    "seed": ("seed",),
    "count": ("count",),
    "seeds": ("seeds",),
    "digit": ("digit",),
    "truncation": ("truncation",),
    "columns": ("grid", "columns"),
    "gap": ("grid", "gap"),
}
COMMON = frozenset({"model", "lane", "ttl_seconds", "metadata", "format", "quality"})
GENERATE = COMMON | {"seed", "count", "seeds", "digit", "truncation", "columns", "gap"}
STYLIZE = COMMON | {"strength", "max_side"}
_PICTURES = frozenset({"content", "style", "weight"})
_INTEGER = re.compile(r"-?\d{1,18}")
_WHOLE = frozenset({"seed", "count", "digit", "max_side", "quality", "columns", "gap", "ttl_seconds"})
_REAL = frozenset({"strength", "truncation"})

Fields = ImmutableMultiDict[str, str]
Parts = ImmutableMultiDict[str, FileStorage]


@dataclass(frozen=True, slots=True)
class Part:
    """A picture in a form: bytes that came with it, or the id of a file that was uploaded before."""

    pointer: str
    file_id: str
    data: bytes | None = None  # None: the id was given


@dataclass(frozen=True, slots=True)
class Form:
    """A form, read but not yet checked against the specification."""

    raw: dict[str, Any]  # the specification without pictures
    faults: list[AtelierError]  # of the form itself
    content: Part | None = None
    styles: tuple[Part, ...] = ()
    weights: tuple[float | str, ...] = ()

    @property
    def parts(self) -> tuple[Part, ...]:
        """All pictures, the content first."""
        return (self.content, *self.styles) if self.content is not None else self.styles


def read_generate(fields: Fields, parts: Parts) -> Form:
    """Read the form of a generation."""
    faults = [*_strangers(fields, GENERATE), *_strangers(parts, frozenset()), *_repeated(fields, {"seeds"})]
    raw, more = _specification("generate", fields, GENERATE)
    return Form(raw, [*faults, *more])


def read_stylize(fields: Fields, parts: Parts) -> Form:
    """Read the form of a stylization, with its pictures."""
    pictures = {"content", "style"}
    faults = [*_strangers(fields, STYLIZE | _PICTURES), *_strangers(parts, frozenset(pictures))]
    faults += _repeated(fields, {"content", "style", "weight"})
    contents, styles = _pictures(fields, parts, "content"), _pictures(fields, parts, "style")
    if len(contents) > 1:
        faults.append(_fault("/content", "content may be given once", "repeated_field"))
    if len(fields.getlist("weight")) > len(styles):
        faults.append(_fault("/weight", "there are more weights than styles", "invalid_length"))
    raw, more = _specification("stylize", fields, STYLIZE)
    return Form(
        raw,
        [*faults, *more],
        content=contents[0] if contents else None,
        styles=tuple(styles),
        weights=tuple(_real(text) for text in fields.getlist("weight")),
    )


def specification(form: Form) -> dict[str, Any]:
    """Return the form as the JSON value that a client would have sent, its pictures by their ids."""
    raw = dict(form.raw)
    if form.content is not None:
        raw["content"] = form.content.file_id
    styles: list[dict[str, Any]] = [{"image": style.file_id} for style in form.styles]
    for style, weight in zip(styles, form.weights, strict=False):
        style["weight"] = weight
    return raw | ({"styles": styles} if styles else {})


def field_of(pointer: str) -> str:
    """Return the form's pointer for one into the specification."""
    for field, path in WHERE.items():
        place = "/" + "/".join(path)
        if pointer == place or pointer.startswith(f"{place}/"):
            return f"/{field}{pointer[len(place) :]}"
    style = re.fullmatch(r"/styles(?:/(\d+)(?:/(image|weight))?)?", pointer)
    if style is None:
        return pointer
    name = "/weight" if style[2] == "weight" else "/style"
    return f"{name}/{style[1]}" if style[1] else name


def renamed(error: AtelierError) -> AtelierError:
    """Return the error in the words of the form: its pointers, and the names in its sentences."""
    faults = [
        FieldError(field_of(e.pointer), _reworded(e.detail, e.pointer, field_of(e.pointer)), e.code)
        for e in error.errors
    ]
    return type(error)("; ".join(fault.detail for fault in faults) or error.detail, errors=faults)


def _reworded(detail: str, old: str, new: str) -> str:
    return detail.replace(_dotted(old), _dotted(new), 1) if detail.startswith(_dotted(old)) else detail


def _dotted(pointer: str) -> str:
    return pointer.removeprefix("/").replace("/", ".")


def _specification(
    kind: str, fields: Fields, known: frozenset[str]
) -> tuple[dict[str, Any], list[AtelierError]]:
    raw: dict[str, Any] = {"type": kind}
    faults: list[AtelierError] = []
    for name in sorted(known & set(fields)):
        try:
            _place(raw, WHERE[name], _value(name, fields))
        except MalformedJson as error:
            faults.append(_fault(f"/{name}", f"{name} must hold JSON: {error.detail}", MalformedJson.code))
    return raw, faults


def _place(raw: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *parents, last = path
    for parent in parents:
        raw = raw.setdefault(parent, {})
    raw[last] = value


def _value(name: str, fields: Fields) -> Any:
    text = fields[name]
    if name in _WHOLE:
        return _whole(text)
    if name in _REAL:
        return _real(text)
    if name == "seeds":
        return [_whole(part.strip()) for given in fields.getlist(name) for part in given.split(",")]
    return decode_json(text) if name == "metadata" else text


def _whole(text: str) -> int | str:
    return int(text) if _INTEGER.fullmatch(text.strip()) else text


def _real(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text


def _pictures(fields: Fields, parts: Parts, name: str) -> list[Part]:
    uploads: list[bytes | str] = [
        part.read() for part in parts.getlist(name) if part.filename or part.mimetype
    ]
    given = [*uploads, *(text for text in fields.getlist(name) if text)]
    return [_part(f"/{name}" if name == "content" else f"/{name}/{i}", item) for i, item in enumerate(given)]


def _part(pointer: str, given: bytes | str) -> Part:
    return Part(pointer, given) if isinstance(given, str) else Part(pointer, file_id(sha256(given)), given)


def _strangers(given: Mapping[str, object], known: frozenset[str]) -> list[AtelierError]:
    names = sorted(set(given) - known)
    return [_fault(f"/{name}", f"{name} is not a known field", "unknown_field") for name in names]


def _repeated(fields: Fields, allowed: set[str]) -> list[AtelierError]:
    names = sorted(name for name in fields if name not in allowed and len(fields.getlist(name)) > 1)
    return [_fault(f"/{name}", f"{name} may be given once", "repeated_field") for name in names]


def _fault(pointer: str, detail: str, code: str) -> InvalidRequest:
    return InvalidRequest(detail, errors=[FieldError(pointer, detail, code)])
