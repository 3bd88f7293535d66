"""Validates an untrusted JSON value as a job specification, and finds every fault at once."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, cast

from pydantic import ValidationError

from api.requests.field_errors import combined, faults_of
from shared.cards.card import Catalog, ModelCard
from shared.errors import AtelierError, FieldError, InvalidRequest, UnknownModel
from shared.identifiers import file_id
from shared.specs.spec import JOB_SPEC, SPECS, JobSpec, checked_card

# Values for required fields that are missing or invalid.
_STAND_INS = {
    "content": file_id("0" * 64),
    "styles": [{"number": 0}],
}


class CheckedSpec(NamedTuple):
    """A requested specification that the card allows; defaults and seeds are not filled in."""

    spec: JobSpec
    card: ModelCard


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
