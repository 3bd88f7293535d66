"""A parameter lives in its specification: forms and batches have the same ones, field by field."""

from collections.abc import Iterator
from typing import Any, get_args, get_origin

import pytest
from pydantic import BaseModel

from api.docs.form_schemas import GENERATE_FORM, STYLIZE_FORM, TRANSFORM_FORM
from api.requests.form_fields import ABSENT, COMMON
from api.requests.forms import FORMS
from api.requests.pictures import Fields, Parts
from shared.batches.request import BatchSettings, Multiply
from shared.batches.template import axes_of
from shared.specs.base import JobSpec
from shared.specs.parts import WeightedStyle
from shared.specs.spec import JOB_SPEC, SPECS

DOCUMENTED = {"generate": GENERATE_FORM, "stylize": STYLIZE_FORM, "transform": TRANSFORM_FORM}
LIMITS = {"type", "minimum", "exclusiveMinimum", "maximum", "enum", "pattern", "default", "anyOf"}
# Fields of a form that are written in another way than in JSON; the tests of forms read them.
OTHERWISE = {"animation", "latents", "interpolate_latents", "metadata", "webhook_events", "seeds", "stroke"}
OTHERWISE |= {"interpolate_seeds", "cache", "loop", "preserve_color"}


def leaves(model: type[BaseModel], *path: str) -> Iterator[tuple[str, ...]]:
    """Yield the places of all values in a specification, but for `type` and the members of lists."""
    for name, field in model.model_fields.items():
        part = part_of(field.annotation)
        yield from leaves(part, *path, name) if part else [(*path, name)]


def part_of(hint: Any) -> type[BaseModel] | None:
    """Return the part of a specification that a field holds, which may be null otherwise."""
    members = (hint,) if get_origin(hint) is list else (hint, *get_args(hint))
    return next((part for part in members if isinstance(part, type) and issubclass(part, BaseModel)), None)


def schema_at(model: type[BaseModel], path: tuple[str, ...]) -> dict[str, Any]:
    """Return the schema of one value, without null."""
    for name in path[:-1]:
        model = part_of(model.model_fields[name].annotation) or model
    found = model.model_json_schema()["properties"][path[-1]]
    (other,) = [entry for entry in found.pop("anyOf", [{}]) if entry.get("type") != "null"] or [{}]
    return {name: value for name, value in {**found, **other}.items() if value is not None}


@pytest.mark.parametrize("kind", FORMS)
def test_a_form_has_every_field_of_its_specification_and_no_other(kind: str) -> None:
    form = FORMS[kind]
    pictures = {("styles",) if name == "style" else (name,) for name in form.pictures}
    fields = {entry.path for entry in form.table.values()} - {("animation",)}
    assert fields | pictures | {("type",)} == set(leaves(SPECS[kind]))
    assert len(fields) == len([name for name in form.table if name != "animation"])
    if "style" in form.pictures:
        assert "weight" in WeightedStyle.model_fields


def test_every_kind_has_a_form_and_every_form_the_common_fields() -> None:
    assert FORMS.keys() == SPECS.keys() == DOCUMENTED.keys()
    assert {entry.path for entry in COMMON.values()} == set(leaves(JobSpec))


FIELDS = [(kind, name) for kind, form in FORMS.items() for name in form.table if name not in OTHERWISE]


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_a_forms_field_is_documented_with_the_limits_of_its_specification(kind: str, name: str) -> None:
    wanted = schema_at(SPECS[kind], FORMS[kind].table[name].path)
    shown = DOCUMENTED[kind]["properties"][name]
    limits = LIMITS & (shown.keys() | wanted.keys())
    assert "$ref" in shown or [shown.get(key) for key in limits] == [wanted.get(key) for key in limits]


@pytest.mark.parametrize(("kind", "name"), FIELDS)
def test_a_forms_field_is_read_as_its_specification_takes_it(kind: str, name: str) -> None:
    entry = FORMS[kind].table[name]
    schema = schema_at(SPECS[kind], entry.path)
    for limit in ("minimum", "maximum", "default"):
        if schema.get(limit) is None or isinstance(schema[limit], dict | list):
            continue
        form = FORMS[kind].read(Fields({name: str(schema[limit])}), Parts())
        assert not form.faults
        value: Any = form.raw
        for place in entry.path:
            value = value[place]
        assert value is not ABSENT
        assert value == schema[limit]
        assert type(value) in (int, float, str)


@pytest.mark.parametrize("name", ["ttl_seconds", "deadline_seconds", "lane", "cache", "metadata"])
def test_a_batch_takes_a_setting_of_its_items_in_the_same_range(name: str) -> None:
    ours, items = (schema_at(model, (name,)) for model in (BatchSettings, JobSpec))
    for schema in (ours, items):
        schema.pop("description", None)
        schema.pop("default", None)
    assert ours == items


def test_what_a_template_multiplies_is_a_field_of_a_specification() -> None:
    lists = {"content": ["file_" + "0" * 64], "style": [1], "model": ["m"], "strength": [1], "digit": [1]}
    axes = axes_of(Multiply.model_validate({**lists, "seed": [1]}))
    assert {axis.name for axis in axes} == set(Multiply.model_fields) - {"mode"}
    known = {name for spec in SPECS.values() for name in spec.model_fields}
    assert {axis.field for axis in axes} <= known
    assert JOB_SPEC.validate_python({"type": "generate"})
