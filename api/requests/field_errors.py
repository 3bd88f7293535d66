"""Finds every fault of a request's fields at once, and says them as the service's errors."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, TypeVar, cast

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from shared.batches.request import CUSTOM_ID, LABEL
from shared.cards.card import Catalog, ModelCard
from shared.errors import AtelierError, FieldError, InvalidRequest, UnknownModel
from shared.identifiers import BATCH_ID, FILE_ID, JOB_ID, file_id
from shared.messages import requirement
from shared.pauses.pause import REASON
from shared.specs.generate import DIGITS
from shared.specs.parts import RECIPE, STYLE_NAME
from shared.specs.spec import JOB_SPEC, SPECS, JobSpec, checked_card

Model = TypeVar("Model", bound=BaseModel)

CURSOR_PATTERN = r"^[1-9][0-9]{0,15}$"
JOBS_CURSOR_PATTERN = r"^[1-9][0-9]{0,15}(\.[0-9]{1,7})?$"
QUEUE_CURSOR_PATTERN = r"^[01]:(-?[0-9]{1,17}(\.[0-9]{1,17})?)?$"
_ADDRESS = re.compile(r"\s*(?:(data):|[a-z][a-z0-9+.-]*://)", re.IGNORECASE)
_NO_CURSOR = "must be the next_cursor of the page before"
_PATTERNS = {  # what a text must be that follows a regular expression
    FILE_ID: f"must be the id of an uploaded file, such as {file_id('0a1b2c3d' * 8)[:13]}...",
    STYLE_NAME: "must be a name of 1 to 64 lower-case letters, digits, dots, hyphens and underscores",
    RECIPE: "must be the name of a recipe, with a version or without: print-a3, or print-a3@2",
    CUSTOM_ID: "must have 1 to 64 characters, none of them a control character",
    LABEL: "must have 1 to 32 letters, digits, dots, hyphens and underscores, the first a letter or digit",
    DIGITS: "must be 1 to 64 digits, such as 0042",
    REASON: "must have 1 to 200 characters, none of them a control character",
    JOB_ID: "must be the id of a job",
    BATCH_ID: "must be the id of a batch",
    CURSOR_PATTERN: _NO_CURSOR,
    JOBS_CURSOR_PATTERN: _NO_CURSOR,
    QUEUE_CURSOR_PATTERN: _NO_CURSOR,
}
_CODES = {
    "missing": "missing",
    "extra_forbidden": "unknown_field",
    "union_tag_not_found": "missing",
    "union_tag_invalid": "invalid_choice",
    "literal_error": "invalid_choice",
    "enum": "invalid_choice",
    "string_pattern_mismatch": "invalid_format",
    "picture_address": "invalid_format",
    "picture_output": "invalid_format",
    "value_error": "invalid_value",
    "finite_number": "out_of_range",
    "greater_than": "out_of_range",
    "greater_than_equal": "out_of_range",
    "less_than": "out_of_range",
    "less_than_equal": "out_of_range",
    "too_long": "invalid_length",
    "too_short": "invalid_length",
    "string_too_long": "invalid_length",
    "string_too_short": "invalid_length",
}
# Values for required fields that are missing or invalid.
_STAND_INS = {
    "content": file_id("0" * 64),
    "styles": [{"number": 0}],
}


def validated(model: type[Model], raw: object, *, at: str = "") -> Model:
    """Return an untrusted value as a model; raise InvalidRequest that names every fault.

    `at` is the pointer of the value in the request.
    """
    try:
        return model.model_validate(raw)
    except ValidationError as error:
        raise invalid([replace(fault, pointer=at + fault.pointer) for fault in faults_of(error)]) from error


def faults_of(error: ValidationError) -> list[FieldError]:
    """Return all of Pydantic's findings as field errors."""
    return [_fault_of(detail) for detail in error.errors(include_url=False)]


def invalid(faults: Sequence[FieldError]) -> InvalidRequest:
    """Return the error that names these faults."""
    return InvalidRequest("; ".join(fault.detail for fault in faults), errors=faults)


def combined(faults: Sequence[AtelierError]) -> AtelierError:
    """Return one error for many: of their class where they share it, else InvalidRequest."""
    listed = [
        error for fault in faults for error in fault.errors or [FieldError("", fault.detail, fault.code)]
    ]
    kinds = {type(fault) for fault in faults}
    kind = kinds.pop() if len(kinds) == 1 else InvalidRequest
    return kind("; ".join(dict.fromkeys(error.detail for error in listed)), errors=listed)


def _fault_of(detail: ErrorDetails) -> FieldError:
    """Return Pydantic's finding as a field error. The union's tag, first in its locations, is no field."""
    kind = detail["type"]
    location = detail["loc"][1:] if detail["loc"][:1] in {(tag,) for tag in SPECS} else detail["loc"]
    if kind.startswith("union_tag"):
        location = ("type",)
    name = ".".join(str(part) for part in location)
    return FieldError(pointer(location), _sentence(name, detail), _CODES.get(kind, "invalid_type"))


def pointer(location: Sequence[str | int]) -> str:
    """Return the JSON Pointer (RFC 6901) of a location."""
    return "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in location)


def _sentence(name: str, detail: ErrorDetails) -> str:
    kind = detail["type"]
    if kind == "union_tag_not_found":
        return f"type is missing; it is one of {', '.join(SPECS)}"
    if kind == "union_tag_invalid":
        return f"type must be one of {', '.join(SPECS)}"
    if kind == "value_error":
        return detail["msg"].removeprefix("Value error, ")
    return f"{name or 'the body'} {_unfetched(detail) or requirement(detail, _PATTERNS)}"


def _unfetched(detail: ErrorDetails) -> str:
    is_picture = detail.get("ctx", {}).get("pattern") in (FILE_ID, STYLE_NAME)
    return not_fetched(str(detail["input"])) if is_picture else ""


def not_fetched(text: str) -> str:
    """Return what to do, to be read after a field's name, where it has an address for a picture; else ""."""
    found = _ADDRESS.match(text)
    if found is None:
        return ""
    kind = "a data URL, which is not read" if found[1] else "an address, which is not fetched"
    return f"is {kind}: upload the picture to /v1/files and give the id that it gets"


class CheckedSpec(NamedTuple):
    """A requested specification that the card allows; defaults and seeds are not filled in."""

    spec: JobSpec
    card: ModelCard
    sent: str = ""  # digest of the request as it was sent, where a recipe has filled it in


def parse_spec(raw: object, catalog: Catalog) -> CheckedSpec:
    """Return the specification; raise one error with every fault of structure and of range."""
    try:
        spec = JOB_SPEC.validate_python(raw)
    except ValidationError as error:
        faults = faults_of(error)
        raise combined([InvalidRequest(errors=faults), *_card_faults(raw, faults, catalog)]) from error
    return CheckedSpec(spec, checked_card(spec, catalog))


def _card_faults(raw: object, known: Sequence[FieldError], catalog: Catalog) -> list[AtelierError]:
    """Check the valid fields against the card, although the whole value is invalid."""
    faulty = {_field_name(fault.pointer) for fault in known}
    spec = _sound_part(raw, faulty)
    if spec is None:
        return []
    try:
        checked_card(spec, catalog)
    except (UnknownModel, InvalidRequest) as error:
        invented = faulty | (set(_STAND_INS) - set(cast(Mapping[str, Any], raw)))
        sound = [fault for fault in error.errors if _field_name(fault.pointer) not in invented]
        return [type(error)(errors=sound)] if sound else []
    return []


def _sound_part(raw: object, faulty: set[str]) -> JobSpec | None:
    if not isinstance(raw, Mapping) or not isinstance(raw.get("type"), str) or raw["type"] not in SPECS:
        return None
    needed = {name: value for name, value in _STAND_INS.items() if name in SPECS[raw["type"]].model_fields}
    sound = {name: value for name, value in raw.items() if name not in faulty}
    try:
        return JOB_SPEC.validate_python(needed | sound)
    except ValidationError:  # the valid fields also contradict each other: report the other faults first
        return None


def _field_name(place: str) -> str:
    """Return the name of the outermost field in a JSON Pointer."""
    return place.split("/")[1].replace("~1", "/").replace("~0", "~") if place else ""
