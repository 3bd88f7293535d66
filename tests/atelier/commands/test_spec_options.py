"""The options of the commands that submit jobs are the fields of the specifications, one by one."""

import re
from collections.abc import Iterator
from typing import Any

import click
import pytest
from pydantic import BaseModel

from shared.specs.generate import GenerateSpec
from shared.specs.stylize import StylizeSpec
from shared.specs.transform import TransformSpec
from tests.support.commands import leaves

COMMANDS = dict(leaves())
# What a command submits. `batch` submits transform jobs too, where no style is given.
SPECS: dict[str, type[BaseModel]] = {
    "generate": GenerateSpec,
    "stylize": StylizeSpec,
    "transform": TransformSpec,
    "batch": StylizeSpec,
}
# Parameters that are not called as the last part of the field's name.
PARAMETERS: dict[str, tuple[str, ...]] = {
    "output.format": ("form",),
    "output.recipe": ("no_recipe",),
    "output.metadata": ("kept_metadata",),
    "content": ("photo", "picture", "sources"),
    "strength": ("strength", "strengths"),
    "styles.image": ("styles",),
    "styles.name": ("styles",),
    "styles.number": ("styles", "numbers"),
    "styles.weight": ("weights",),
    "webhook.url": ("webhook",),
    "webhook.template": ("webhook",),
    "interpolate.seeds": ("interpolate",),
    "interpolate.latents": ("interpolate_latents",),
    "animation.loop": ("once",),
    "upscale.factor": ("upscale",),
    "upscale.filter": ("filter_name",),
}
# Fields without an option. A new field belongs here, or gets an option.
NOT_OFFERED = {"type", "ttl_seconds", "deadline_seconds", "metadata", "webhook.events", "webhook.body"}
NOT_OFFERED_BY = {
    "batch": {"optimize.preview_every", "recipe"},  # a recipe: by --template or --jsonl
    "generate": {"output.profile", "output.metadata"},
}
# Parameters that fill no field: they say what becomes of the pictures, or put a part into the request.
OTHERS = {"output", "timeout", "as_json", "dry_run", "url"}
OTHERS_OF = {
    "generate": {"grid", "animation", "sidecar"},
    "stylize": {"preview", "sidecar"},
    "transform": {"sidecar"},
    "batch": {"pattern", "connections", "watch", "retry", "replace", "jsonl", "template"}
    | {"from_place", "to_place", "match"}
    | {"stop_failed", "stop_share", "stop_after", "sample"},
}
# Options whose own default goes over the field's, and what their help says of it.
DEFAULTS = {
    ("batch", "lane"): "bulk",
    ("generate", "upscale.factor"): None,  # 1, which changes nothing
    ("stylize", "optimize.preview_every"): "20 with --preview",
    **{
        (name, "output.format"): "by the name after -o, else png"
        for name in ("generate", "stylize", "transform")
    },
    ("batch", "output.format"): "the photo's own; jpeg for heic, avif; png for bmp, tiff",
}
# Types whose values an option reads from a text of its own: lists, files, words beside numbers.
READERS = {
    "seeds",
    "latents",
    "interpolate.seeds",
    "interpolate.latents",
    "stroke",
    "strength",
    "webhook.template",
}


def fields_of(spec: type[BaseModel]) -> dict[str, dict[str, Any]]:
    """Return the JSON Schema of each field of a specification by its dotted name, those of parts too."""
    schema = spec.model_json_schema()
    return dict(_fields(schema, schema.get("$defs", {}), ""))


def _fields(
    schema: dict[str, Any], parts: dict[str, Any], above: str
) -> Iterator[tuple[str, dict[str, Any]]]:
    for name, field in schema["properties"].items():
        found = _resolved(field, parts)
        inner = _resolved(found.get("items", found), parts)
        if "properties" in inner:
            yield from _fields(inner, parts, f"{above}{name}.")
        else:
            yield f"{above}{name}", found


def _resolved(field: dict[str, Any], parts: dict[str, Any]) -> dict[str, Any]:
    """Return a field's schema without null and references."""
    kinds = [kind for kind in field.get("anyOf", [field]) if kind.get("type") != "null"]
    part = parts.get(kinds[0].get("$ref", "").rpartition("/")[2], {})
    return {**field, **kinds[0], **part}


def parameters_of(command: str, field: str) -> list[click.Parameter]:
    """Return the parameters of a command that fill a field."""
    names = PARAMETERS.get(field, (field.rpartition(".")[2],))
    return [parameter for parameter in COMMANDS[command].params if parameter.name in names]


def default_of(parameter: click.Parameter) -> str | None:
    """Return the default that an option's help tells; None where it tells none."""
    assert isinstance(parameter, click.Option)
    if parameter.show_default:
        return str(parameter.default)
    found = re.search(r"\[default: ([^]]*)\]$", parameter.help or "")
    return found[1] if found else None


OFFERED = [
    (command, field)
    for command, spec in SPECS.items()
    for field in fields_of(spec)
    if field not in NOT_OFFERED | NOT_OFFERED_BY.get(command, set())
]
OPTIONS = [(command, field) for command, field in OFFERED if field != "content"]


@pytest.mark.parametrize(("command", "field"), OFFERED)
def test_each_field_has_an_option_or_argument(command: str, field: str) -> None:
    assert parameters_of(command, field)


@pytest.mark.parametrize("command", SPECS)
def test_each_option_fills_a_field_that_there_is(command: str) -> None:
    filling = {
        parameter.name
        for of, field in OFFERED
        if of == command
        for parameter in parameters_of(command, field)
    }
    names = {parameter.name for parameter in COMMANDS[command].params}
    assert names - filling == OTHERS | OTHERS_OF[command]


def test_the_fields_without_an_option_are_there() -> None:
    known = {field for spec in SPECS.values() for field in fields_of(spec)}
    assert known >= NOT_OFFERED.union(*NOT_OFFERED_BY.values())
    assert {field for _, field in OFFERED} >= PARAMETERS.keys() | READERS


def test_a_batch_has_the_options_of_a_transformation_too() -> None:
    assert fields_of(TransformSpec).keys() <= fields_of(StylizeSpec).keys()


@pytest.mark.parametrize(("command", "field"), OPTIONS)
def test_an_option_takes_the_values_that_its_field_takes(command: str, field: str) -> None:
    schema = fields_of(SPECS[command])[field]
    for option in parameters_of(command, field):
        kind = option.type
        if "enum" in schema and field in READERS:
            assert all(word in (option.to_info_dict()["help"] or "") for word in schema["enum"])
        elif "enum" in schema:
            assert isinstance(kind, click.Choice)
            assert set(kind.choices) == set(map(str, schema["enum"]))
            continue
        if schema.get("type") == "boolean":
            assert isinstance(option, click.Option)
            assert option.is_flag
        if field in READERS or schema.get("type") not in ("integer", "number"):
            continue
        if option.name in ("styles", "numbers"):
            continue
        whole = schema["type"] == "integer"
        assert isinstance(kind, click.types.IntParamType if whole else click.types.FloatParamType)
        if isinstance(kind, click.IntRange | click.FloatRange):
            assert kind.min in (None, schema.get("minimum"))
            assert kind.max in (None, schema.get("maximum"))


@pytest.mark.parametrize(("command", "field"), OPTIONS)
def test_the_help_of_an_option_tells_the_default_of_its_field(command: str, field: str) -> None:
    schema = fields_of(SPECS[command])[field]
    default = schema.get("default")
    for option in parameters_of(command, field):
        if (command, field) in DEFAULTS:
            assert default_of(option) == DEFAULTS[command, field]
        elif isinstance(default, bool):
            assert default is (option.name == "once"), "a flag that is not given is the default"
        elif default is not None and option.name not in ("weights", "styles", "numbers", "webhook"):
            default_text = default_of(option)
            assert default_text is not None, f"the help of {option.opts[0]} tells no default; it is {default}"
            assert default_text == (f"{default:g}" if isinstance(default, float) else str(default))
