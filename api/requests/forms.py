"""HTML forms as job requests, so that one `curl -F` does what takes an upload and a JSON body otherwise."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from api.errors import MalformedJson
from api.requests.form_fields import ABSENT, GENERATE, STYLIZE, TRANSFORM, FormField, Table, given
from api.requests.form_parts import (
    Fields,
    Part,
    Parts,
    fault,
    read_picture,
    read_styles,
    strangers,
    with_hint,
)
from shared.errors import AtelierError, FieldError
from shared.messages.field_words import in_words


@dataclass(frozen=True, slots=True)
class Form:
    """A form, read but not yet checked against the specification."""

    raw: dict[str, Any]  # as the client would have sent it in JSON, pictures by the ids they will have
    faults: list[AtelierError]  # of the form itself
    table: Table  # the fields of text that the form has
    given: Table  # those that were given
    uploads: tuple[Part, ...] = ()
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # given for pictures, by field


def read_generate(fields: Fields, parts: Parts) -> Form:
    """Read the form of a generation."""
    faults = [*strangers(fields, GENERATE), *strangers(parts, (), GENERATE)]
    raw = _specification("generate", fields, GENERATE, faults)
    return Form(raw, faults, GENERATE, _given(fields, GENERATE))


def read_stylize(fields: Fields, parts: Parts) -> Form:
    """Read the form of a stylization, with its pictures."""
    pictures = ("content", "style", "mask")
    faults = [
        *strangers(fields, (*STYLIZE, *pictures, "weight")),
        *strangers(parts, pictures, (*STYLIZE, "weight")),
    ]
    raw = _specification("stylize", fields, STYLIZE, faults)
    raw["content"], content = read_picture("content", fields, parts, faults)
    raw_styles, styles = read_styles(fields, parts, faults)
    raw["styles"] = raw_styles or None
    raw["mask"], mask = read_picture("mask", fields, parts, faults)
    texts = {name: given(fields.getlist(name)) for name in ("content", "mask")}
    texts["style"] = [*("" for _ in styles), *given(fields.getlist("style"))]
    uploads = (*content, *styles, *mask)
    return Form(_without_nothing(raw), faults, STYLIZE, _given(fields, STYLIZE), uploads, texts)


def read_transform(fields: Fields, parts: Parts) -> Form:
    """Read the form of a transformation, with its picture."""
    faults = [*strangers(fields, (*TRANSFORM, "content")), *strangers(parts, ("content",), TRANSFORM)]
    raw = _specification("transform", fields, TRANSFORM, faults)
    raw["content"], content = read_picture("content", fields, parts, faults)
    texts = {"content": given(fields.getlist("content"))}
    table = _given(fields, TRANSFORM)
    return Form(_without_nothing(raw), faults, TRANSFORM, table, tuple(content), texts)


def _without_nothing(raw: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in raw.items() if value is not None}


def _given(fields: Fields, table: Table) -> Table:
    return {name: field for name, field in table.items() if given(fields.getlist(name))}


def _specification(kind: str, fields: Fields, table: Table, faults: list[AtelierError]) -> dict[str, Any]:
    raw: dict[str, Any] = {"type": kind}
    for name, entry in _given(fields, table).items():
        texts = given(fields.getlist(name))
        if len(texts) > 1 and not entry.repeats:
            faults.append(fault(f"/{name}", f"{name} may be given once", "repeated_field"))
        try:
            _place(raw, entry.path, _value(entry, texts))
        except MalformedJson as error:
            faults.append(
                fault(f"/{name}", f"{name} {error.detail.removeprefix('the body ')}", MalformedJson.code)
            )
    return raw


def _value(field: FormField, texts: list[str]) -> Any:
    return [item for text in texts for item in field.read(text)] if field.repeats else field.read(texts[0])


def _place(raw: dict[str, Any], path: tuple[str, ...], value: Any) -> None:
    *parents, last = path
    for parent in parents:
        raw = raw.setdefault(parent, {})
        if not isinstance(raw, dict):
            return  # the whole part was given as nonsense, and is refused for that
    if value is not ABSENT:
        raw[last] = value


def renamed(error: AtelierError, form: Form) -> AtelierError:
    """Return the error in the words of the form: its pointers, and the names in its sentences."""
    names = {".".join(entry.path): name for name, entry in form.table.items()}
    faults = [_reworded(entry, _field_of(entry.pointer, form.given), names) for entry in error.errors]
    told = type(error)("; ".join(entry.detail for entry in faults) or error.detail, errors=faults)
    for name, texts in form.texts.items():
        told = with_hint(told, name, texts)
    return told


def _field_of(pointer: str, given: Table) -> str:
    """Return the form's pointer for one into the specification."""
    for name, entry in given.items():
        place = "/" + "/".join(entry.path)
        if pointer == place or pointer.startswith(f"{place}/"):
            return f"/{name}{pointer[len(place) :]}"
    style = re.fullmatch(r"/styles(?:/(\d+)(?:/(\w+))?)?", pointer)
    if style is not None:
        name = "/weight" if style[2] == "weight" else "/style"
        return f"{name}/{style[1]}" if style[1] else name
    # A part of the specification for which the form has several fields: the first that was given.
    within = (f"/{name}" for name, entry in given.items() if f"/{entry.path[0]}" == pointer)
    return next(within, pointer)


def _reworded(entry: FieldError, pointer: str, names: Mapping[str, str]) -> FieldError:
    detail = in_words(entry.pointer, entry.detail, _spoken(pointer), names.get)
    return FieldError(pointer, detail, entry.code)


def _spoken(pointer: str) -> str:
    """Return what a field of the form is called; styles have no numbers there."""
    return re.sub(r"^(style|weight)\.\d+", r"\1", pointer.removeprefix("/").replace("/", "."))
