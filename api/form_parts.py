"""The pictures and styles of a form: sent along, or named by what is stored already."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import FileStorage, ImmutableMultiDict

from api.form_fields import real
from shared.errors import AtelierError, FieldError, InvalidRequest
from shared.identifiers import FILE_ID, file_id, sha256
from shared.spec_parts import STYLE_NAME

Fields = ImmutableMultiDict[str, str]
Parts = ImmutableMultiDict[str, FileStorage]

_NUMBER = re.compile(r"\d{1,9}")


@dataclass(frozen=True, slots=True)
class Part:
    """A picture that came with a form."""

    pointer: str  # of the field
    file_id: str
    data: bytes


def fault(pointer: str, detail: str, code: str) -> InvalidRequest:
    """Return the error for one field of a form."""
    return InvalidRequest(detail, errors=[FieldError(pointer, detail, code)])


def strangers(given: Iterable[str], known: Iterable[str]) -> Iterator[AtelierError]:
    """Yield a fault for every field that a form does not have."""
    for name in sorted(set(given) - set(known)):
        yield fault(f"/{name}", f"{name} is not a known field", "unknown_field")


def read_picture(
    name: str, fields: Fields, parts: Parts, faults: list[AtelierError]
) -> tuple[str | None, list[Part]]:
    """Return the file id that a field stands for, None without one, and the picture that was sent for it."""
    uploads, texts = _sent(name, parts), _texts(name, fields)
    if len(uploads) + len(texts) > 1:
        faults.append(fault(f"/{name}", f"{name} may be given once", "repeated_field"))
    sent = [Part(f"/{name}", file_id(sha256(data)), data) for data in uploads]
    named = [*(part.file_id for part in sent), *texts]
    return (named[0] if named else None), sent


def read_styles(
    fields: Fields, parts: Parts, faults: list[AtelierError]
) -> tuple[list[dict[str, Any]], list[Part]]:
    """Return the styles, those sent along before those named, and the pictures among them."""
    sent = [
        Part(f"/style/{index}", file_id(sha256(data)), data)
        for index, data in enumerate(_sent("style", parts))
    ]
    styles: list[dict[str, Any]] = [{"image": part.file_id} for part in sent]
    styles += [_named(text) for text in _texts("style", fields)]
    weights = fields.getlist("weight")
    faults += _weight_faults(weights, sent, styles)
    for style, weight in zip(styles, weights, strict=False):
        style["weight"] = real(weight)
    return styles, sent


def _named(text: str) -> dict[str, Any]:
    """Tell a built-in style's number, a file's id and a stored style's name apart."""
    if _NUMBER.fullmatch(text):
        return {"number": int(text)}
    is_name = re.match(STYLE_NAME, text) and not re.match(FILE_ID, text)
    return {"name": text} if is_name else {"image": text}


def _weight_faults(
    weights: Sequence[str], sent: Sequence[Part], styles: Sequence[dict[str, Any]]
) -> list[AtelierError]:
    if len(weights) > len(styles):
        return [fault("/weight", "there are more weights than styles", "invalid_length")]
    if weights and 0 < len(sent) < len(styles):
        detail = (
            "weight: a form does not keep the order of uploads and names; to weigh both together, upload the "
            "pictures to /v1/files first and name all of them"
        )
        return [fault("/weight", detail, "ambiguous")]
    return []


def _sent(name: str, parts: Parts) -> list[bytes]:
    return [part.read() for part in parts.getlist(name) if part.filename or part.mimetype]


def _texts(name: str, fields: Fields) -> list[str]:
    return [text for text in fields.getlist(name) if text]
