"""HTML forms as job requests, so that one `curl -F` does what takes an upload and a JSON body otherwise."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from flask import request
from werkzeug.datastructures import Headers
from werkzeug.http import parse_options_header

from api.errors import MalformedJson
from api.requests.body import MULTIPART, URLENCODED, decoded_pairs, decoded_text, expect_form, whole_body
from api.requests.form_fields import ABSENT, GENERATE, STYLIZE, TRANSFORM, FormField, Table, given
from api.requests.multipart import (
    MAX_FORM_TEXT_BYTES,
    MAX_PARTS,
    MAX_TEXT_BYTES,
    PICTURES,
    sent_parts,
    too_long,
)
from api.requests.pictures import Fields, FormPicture, Parts, fault, read_field, unknown_fields, with_hint
from api.services import services
from shared.errors import AtelierError, BodyTooLarge, FieldError, InvalidRequest
from shared.messages import in_words

_CHARSETS = frozenset({"ascii", "us-ascii", "utf-8", "iso-8859-1"})


@dataclass(frozen=True, slots=True)
class Form:
    """A form, read but not yet checked against the specification."""

    raw: dict[str, Any]  # as the client would have sent it in JSON, pictures by the ids they will have
    faults: list[AtelierError]  # of the form itself
    table: Table  # the fields of text that the form has
    given: Table  # those that were given
    uploads: tuple[FormPicture, ...] = ()
    texts: Mapping[str, Sequence[str]] = field(default_factory=dict)  # given for pictures, by field


@dataclass(frozen=True, slots=True)
class JobForm:
    """The form of one kind of job."""

    kind: str
    table: Table  # its fields of text
    pictures: tuple[str, ...] = ()  # its fields of pictures; `style` is a list and has weights

    def read(self, fields: Fields, parts: Parts) -> Form:
        """Read the form with its pictures; what is wrong with it is noted."""
        known = (*self.table, *(("weight",) if "style" in self.pictures else ()))
        faults = [
            *unknown_fields(fields, (*known, *self.pictures)),
            *unknown_fields(parts, self.pictures, known),
        ]
        raw = _specification(self.kind, fields, self.table, faults)
        uploads: list[FormPicture] = []
        texts: dict[str, list[str]] = {}
        for name in self.pictures:
            found = read_field(name, fields, parts, faults)
            raw |= {} if found.value is None else {found.place: found.value}
            uploads += found.sent
            texts[name] = found.texts
        return Form(raw, faults, self.table, _given(fields, self.table), tuple(uploads), texts)


# The form of each kind of job that has one.
FORMS: dict[str, JobForm] = {
    "generate": JobForm("generate", GENERATE),
    "stylize": JobForm("stylize", STYLIZE, pictures=("content", "style", "mask")),
    "transform": JobForm("transform", TRANSFORM, pictures=("content",)),
}


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
        except (MalformedJson, BodyTooLarge, InvalidRequest) as error:
            faults.append(_of_json(name, error))
    return raw


def _of_json(name: str, error: AtelierError) -> AtelierError:
    """Return the fault of a field that holds JSON."""
    found = error.errors[0] if error.errors else FieldError("", error.detail, error.code)
    return fault(f"/{name}{found.pointer}", f"{name} {found.detail.removeprefix('the body ')}", found.code)


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
    if not error.errors:
        return error  # it names no field
    names = {".".join(entry.path): name for name, entry in form.table.items()}
    faults = [_reworded(entry, _field_of(entry.pointer, form.given), names) for entry in error.errors]
    renamed = type(error)("; ".join(entry.detail for entry in faults), errors=faults)
    for name, texts in form.texts.items():
        renamed = with_hint(renamed, name, texts)
    return renamed


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


def sent_form(*types: str) -> tuple[Fields, Parts]:
    """Return the texts and the files of the form; raise where it is of no such type, or cannot be read."""
    expect_form(*types)
    fields: list[tuple[str, str]] = []
    parts: list[tuple[str, bytes | None]] = []
    left = MAX_FORM_TEXT_BYTES
    if request.mimetype == URLENCODED:
        fields += _pairs()
    elif request.mimetype == MULTIPART:
        for part in sent_parts():
            data = part.data.getvalue()
            if part.is_file:
                parts.append((part.name, data if data or part.filename else None))
            else:
                if part.name not in PICTURES:  # what is no picture's name is refused with advice
                    left -= len(data)
                    _check_length(part.name, data, left)
                fields.append((part.name, decoded_text(part.name, data, _charset(part.headers))))
    return Fields(fields), Parts(parts)


def _pairs() -> Iterator[tuple[str, str]]:
    """Yield the fields of a urlencoded form."""
    most = min(MAX_FORM_TEXT_BYTES, services().settings.limits.max_body_bytes)
    body = whole_body(most, f"a form of the type {URLENCODED}")
    try:
        pairs = list(decoded_pairs(body, limit=MAX_PARTS))
    except ValueError as error:
        raise BodyTooLarge(f"a form may have at most {MAX_PARTS} fields; this one has more") from error
    for name, data in pairs:
        _check_length(name, data)
        yield name, decoded_text(name, data)


def _check_length(name: str, data: bytes, left: int = 0) -> None:
    """Raise BodyTooLarge where a text is too long, or too long together with those before it."""
    if len(data) > MAX_TEXT_BYTES:
        raise too_long(name)
    if left < 0:
        raise BodyTooLarge(f"the texts of a form may have at most {MAX_FORM_TEXT_BYTES} bytes in all")


def _charset(headers: Headers) -> str:
    given = parse_options_header(headers.get("content-type"))[1].get("charset", "").lower()
    return given if given in _CHARSETS else "utf-8"
