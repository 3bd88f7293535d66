"""Pictures and styles of a request: sent along, or named by what is stored; probed before any is stored."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from werkzeug.datastructures import ImmutableMultiDict

from api.native_threads import in_native_thread
from api.requests.field_errors import not_fetched
from api.requests.form_fields import given, real
from api.services import Services
from shared.errors import AtelierError, FieldError, InvalidRequest
from shared.identifiers import FILE_ID, file_id, sha256
from shared.images.limits import ImageLimits
from shared.images.probe import ImageInfo, probe
from shared.specs.parts import STYLE_NAME

Fields = ImmutableMultiDict[str, str]
Parts = ImmutableMultiDict[str, bytes | None]  # files; None: the field was left empty

MAX_SHOWN = 80  # characters of a text that is repeated
_UNSENT = ("invalid_format", "style_not_found")  # codes of what comes of a file's name
_NUMBER = re.compile(r"[0-9]{1,9}")


@dataclass(frozen=True, slots=True)
class FormPicture:
    """A picture that came with a form."""

    pointer: str  # of the field
    file_id: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture that passed the probe and is not stored yet."""

    file_id: str
    data: bytes
    info: ImageInfo


@dataclass(frozen=True, slots=True)
class PictureField:
    """A field of pictures, as it was given."""

    place: str  # the field of the specification
    value: Any  # a file's id, or a list of styles; None where nothing was given
    sent: list[FormPicture]
    texts: list[str]  # by the places in the value; "" for a style that was sent


def fault(pointer: str, detail: str, code: str) -> InvalidRequest:
    """Return the error for one field of a form."""
    return InvalidRequest(detail, errors=[FieldError(pointer, detail, code)])


def unknown_fields(
    given: Iterable[str], known: Iterable[str], texts: Iterable[str] = ()
) -> Iterator[AtelierError]:
    """Yield a fault for every field that a form does not have; `texts` are those that may not be files."""
    for name in sorted(set(given) - set(known)):
        if name in texts:
            detail = f"{name} is a text and not a file: write -F {name}=VALUE without @ or <"
            yield fault(f"/{name}", detail, "invalid_type")
        else:
            yield fault(
                f"/{name}", f"{name or 'a field without a name'} is not a known field", "unknown_field"
            )


def as_file(name: str, text: str) -> str:
    """Return the advice for a picture's name that came as a text: the commonest slip with curl."""
    return (
        f"to send a picture from a file, write -F {name}=@{text if len(text) <= MAX_SHOWN else 'photo.jpg'}"
    )


def with_hint(error: AtelierError, name: str, texts: Sequence[str]) -> AtelierError:
    """Return the error of a form, which says how a picture is sent where only a text came for one."""
    faults = [_hinted(entry, name, texts) for entry in error.errors]
    return type(error)("; ".join(entry.detail for entry in faults) or error.detail, errors=faults)


def _hinted(entry: FieldError, name: str, texts: Sequence[str]) -> FieldError:
    field, _, place = entry.pointer.strip("/").partition("/")
    text = texts[int(place)] if place.isdigit() and int(place) < len(texts) else (texts or ["photo.jpg"])[0]
    if field != name or entry.code not in _UNSENT or not_fetched(text):
        return entry
    if entry.code == "style_not_found":
        detail = f"{name} {text} is no stored style; {as_file(name, text)}"
    else:
        detail = f"{name} is neither a picture nor the id of an uploaded file; {as_file(name, text)}"
    return FieldError(entry.pointer, detail, entry.code)


def read_field(name: str, fields: Fields, parts: Parts, faults: list[AtelierError]) -> PictureField:
    """Return what a field of pictures stands for: `style` for a list, every other one for one picture."""
    texts = _texts(name, fields)
    if name == "style":
        styles, sent = _read_styles(fields, parts, faults)
        return PictureField("styles", styles or None, sent, [*("" for _ in sent), *texts])
    picture, sent = read_picture(name, fields, parts, faults)
    return PictureField(name, picture, sent, texts)


def read_picture(
    name: str, fields: Fields, parts: Parts, faults: list[AtelierError]
) -> tuple[str | None, list[FormPicture]]:
    """Return the file id that a field stands for, None without one, and the picture that was sent for it."""
    uploads, texts = _sent(name, parts), _texts(name, fields)
    if len(uploads) + len(texts) > 1:
        faults.append(fault(f"/{name}", f"{name} may be given once", "repeated_field"))
    sent = [FormPicture(f"/{name}", file_id(sha256(data)), data) for data in uploads]
    named = [*(part.file_id for part in sent), *texts]
    return (named[0] if named else None), sent


def _read_styles(
    fields: Fields, parts: Parts, faults: list[AtelierError]
) -> tuple[list[dict[str, Any]], list[FormPicture]]:
    """Return the styles, those sent along before those named, and the pictures among them."""
    files, texts = parts.getlist("style"), fields.getlist("style")
    slots = texts if not any(data is not None for data in files) else files  # of which the weights speak
    sent = [
        FormPicture(f"/style/{index}", file_id(sha256(data)), data)
        for index, data in enumerate(_sent("style", parts))
    ]
    styles: list[dict[str, Any]] = [{"image": part.file_id} for part in sent]
    styles += [_named(text) for text in _texts("style", fields)]
    weights = _weights(fields.getlist("weight"), slots)
    faults += _weight_faults(weights, sent, styles)
    for style, weight in zip(styles, weights, strict=False):
        if weight.strip():
            style["weight"] = real(weight)
    return styles, sent


def _weights(weights: Sequence[str], slots: Sequence[str | bytes | None]) -> Sequence[str]:
    """Return the weights of the styles that were given: rows of an HTML form may be left empty."""
    if not any(weight.strip() for weight in weights):
        return []
    if len(weights) != len(slots):
        return [weight for weight in weights if weight.strip()]
    return [weight for weight, slot in zip(weights, slots, strict=True) if slot]


def _named(text: str) -> dict[str, Any]:
    """Return a style by its number, its name or the id of its file, whichever the text is."""
    if _NUMBER.fullmatch(text):
        return {"number": int(text)}
    is_name = re.fullmatch(STYLE_NAME, text) and not re.fullmatch(FILE_ID, text)
    return {"name": text} if is_name else {"image": text}


def _weight_faults(
    weights: Sequence[str], sent: Sequence[FormPicture], styles: Sequence[dict[str, Any]]
) -> list[AtelierError]:
    if len(weights) > len(styles):
        return [fault("/weight", "weight is given more often than style", "invalid_length")]
    if weights and 0 < len(sent) < len(styles):
        detail = (
            "weight cannot be given where some styles are sent along and others named: a form does not keep "
            "their order: upload the pictures to /v1/files first, and name all of them"
        )
        return [fault("/weight", detail, "ambiguous")]
    return []


def _sent(name: str, parts: Parts) -> list[bytes]:
    return [data for data in parts.getlist(name) if data is not None]


def _texts(name: str, fields: Fields) -> list[str]:
    return given(fields.getlist(name))


def probe_upload(services: Services, file_id: str, data: bytes, pointer: str) -> Upload:
    """Probe one picture against the settings' limits; raise the image error that names the pointer."""
    limits = ImageLimits.of(services.settings.limits)
    return Upload(file_id, data, in_native_thread(probe, data, limits, field=pointer))


def probe_parts(services: Services, parts: Iterable[FormPicture], faults: list[AtelierError]) -> list[Upload]:
    """Probe the pictures of a form; those that are refused add to its faults."""
    uploads = []
    for part in parts:
        try:
            uploads.append(probe_upload(services, part.file_id, part.data, part.pointer))
        except AtelierError as error:
            faults.append(error)
    return uploads
