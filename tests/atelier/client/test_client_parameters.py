"""The client's parameters are those of the API: names, types, choices and defaults, field by field."""

import inspect
from collections.abc import Mapping, Sequence
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import datetime
from enum import Enum
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import pytest
from pydantic import AwareDatetime, BaseModel

from api.routes.batch_results import SheetQuery
from atelier import (
    BatchRun,
    BatchSettings,
    GenerateOptions,
    GenerateRequest,
    StylizeOptions,
    StylizeRequest,
    TransformOptions,
    TransformRequest,
)
from atelier.client import batch as client_batch
from atelier.client import job
from atelier.client.request_parts import Array
from shared.batches import batch, request
from shared.jobs import status
from shared.specs import generate, stylize, transform

REQUESTS = [
    (GenerateRequest, GenerateOptions, generate.GenerateSpec),
    (StylizeRequest, StylizeOptions, stylize.StylizeSpec),
    (TransformRequest, TransformOptions, transform.TransformSpec),
]
SAME: dict[Any, Any] = {AwareDatetime: datetime}  # what is sent as the other is
OTHER_FORMS = (NoneType, Array, job.Job)  # of what is sent: nothing, lists of numbers, a name
PICTURES = {"content", "styles", "mask"}  # arguments of the methods, which upload them


def shape(hint: Any) -> Any:
    """Return what a type lets through as JSON, so that a request's type and a specification's compare."""
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Annotated:
        return shape(arguments[0])
    if origin is Literal:
        return frozenset(arguments)
    if origin in (list, Sequence):
        return [shape(arguments[0])]
    if origin in (dict, Mapping):
        return {"keys": shape(arguments[0]), "values": shape(arguments[1])}
    if arguments:
        return one_of({member: shape(member) for member in arguments if member not in OTHER_FORMS})
    if isinstance(hint, type) and issubclass(hint, Enum):
        return frozenset(member.value for member in hint)
    if is_dataclass(hint) or issubclass(hint, BaseModel):
        return members(hint)
    return SAME.get(hint, hint)


def one_of(shapes: Mapping[Any, Any]) -> Any:
    """Return the shape of a union: that of its only member, or all of them in a fixed order."""
    return next(iter(shapes.values())) if len(shapes) == 1 else sorted(shapes.values(), key=repr)


def members(part: Any) -> dict[str, Any]:
    """Return the shapes of an object's members."""
    return {name: shape(hint) for name, hint in hints(part).items()}


def hints(part: Any) -> dict[str, Any]:
    names = [entry.name for entry in fields(part)] if is_dataclass(part) else list(part.model_fields)
    known = get_type_hints(part, include_extras=True)
    return {name: known[name] for name in names}


def defaults(part: Any) -> dict[str, Any]:
    """Return the defaults of an object's members, without None, which the client does not send."""
    if is_dataclass(part):
        found = {entry.name: default_of(entry) for entry in fields(part)}
    else:
        found = {
            name: entry.get_default(call_default_factory=True) for name, entry in part.model_fields.items()
        }
    return {name: value for name, value in found.items() if isinstance(value, str | int | float)}


def default_of(entry: Field[Any]) -> Any:
    return None if entry.default is MISSING else entry.default


def parts_of(request: Any, spec: Any) -> list[tuple[Any, Any]]:
    """Return the objects that a request holds, each beside the specification's, itself the first."""
    found = [(request, spec)]
    for name, hint in hints(request).items():
        for inner in get_args(hint) or [hint]:
            if is_dataclass(inner) and inner is not job.Job and name in spec.model_fields:
                found.append((inner, model_of(spec.model_fields[name].annotation)))
    return found


def model_of(hint: Any) -> Any:
    return next(member for member in get_args(hint) or [hint] if member is not NoneType)


@pytest.mark.parametrize(("request_type", "_options", "spec"), REQUESTS)
def test_a_request_has_every_field_of_its_specification(request_type: Any, _options: Any, spec: Any) -> None:
    told, taken = members(request_type), members(spec)
    taken |= taken.pop("size", {})
    assert taken.pop("type") == {request_type.type}
    assert told == taken


@pytest.mark.parametrize(("request_type", "_options", "spec"), REQUESTS)
def test_what_the_client_sends_by_default_is_the_default(request_type: Any, _options: Any, spec: Any) -> None:
    compared = 0
    for part, model in parts_of(request_type, spec):
        known = defaults(model)
        for name, value in defaults(part).items():
            assert known[name] == value, (part, name)
            compared += 1
    assert compared >= 4


@pytest.mark.parametrize(("request_type", "options", "_spec"), REQUESTS)
def test_a_method_takes_every_field_of_its_request(request_type: Any, options: Any, _spec: Any) -> None:
    wanted = {name: hint for name, hint in hints(request_type).items() if name not in PICTURES}
    assert get_type_hints(options) == wanted
    assert not options.__required_keys__


def test_a_batch_takes_every_setting_of_the_api() -> None:
    told = {name: shape(hint) for name, hint in get_type_hints(BatchSettings).items()}
    assert told == members(request.BatchSettings)


def test_a_contact_sheet_is_asked_for_as_the_api_takes_it() -> None:
    asked = inspect.signature(BatchRun.contact_sheet).parameters
    told = {name: (shape(entry.annotation), entry.default) for name, entry in asked.items() if name != "self"}
    known = SheetQuery.model_fields
    assert told == {name: (shape(entry.annotation), entry.default) for name, entry in known.items()}


def test_statuses_are_those_that_there_are() -> None:
    assert shape(job.Status) == shape(status.Status)
    assert shape(client_batch.BatchStatus) == shape(batch.BatchStatus)
    assert shape(job.JobType) == {request.type for request, _, _ in REQUESTS}


def test_no_public_method_takes_just_anything() -> None:
    """`Any` may stand for raw JSON alone, which arrives in mappings."""
    import atelier

    with atelier.Client("http://127.0.0.1:9") as client:
        parts = [type(part) for part in vars(client).values()]
    resources = {part.__name__: part for part in parts if part.__name__.endswith("Resource")}
    assert len(resources) == 13
    found = []
    for name, public in [*((name, getattr(atelier, name)) for name in atelier.__all__), *resources.items()]:
        for method, function in inspect.getmembers(public, inspect.isfunction):
            if not method.startswith("_"):
                found += [
                    f"{name}.{method}: {p}" for p, hint in get_type_hints(function).items() if hint is Any
                ]
    assert found == []
