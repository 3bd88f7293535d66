"""JSON Schemas of what clients send: the job of one model, and the forms of one-call submissions."""

from collections.abc import Sequence
from functools import cache
from typing import Any

from api.openapi import REF, schema_without_null
from api.requests.form_fields import GENERATE, STYLIZE, TRANSFORM, Table
from shared.cards.card import ModelCard
from shared.cards.parts import Range
from shared.specs.spec import SPECS, GenerateSpec, JobSpec, StylizeSpec, TransformSpec
from shared.specs.stylize import NATIVE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]
_PICTURE = {"type": "string", "contentMediaType": "application/octet-stream"}
_CONTENT = {
    **_PICTURE,
    "description": "The picture to work on, the id of an uploaded file, an address, or `job:ID`: the first "
    "output of another job, which is waited for; `job:ID/2` is the third.",
}
_OWN = {  # where a form's field has another description, or type, than the specification's
    "metadata": {"description": "JSON object: up to 16 pairs that come back with the job."},
    "webhook": {
        "description": "The address that is told how the job goes; it begins with http:// or https://."
    },
    "webhook_template": {
        "description": "Have the address write to people: `ntfy`, `discord`, `slack` or `mail` says how."
    },
    "webhook_events": {"description": "Of what it is told: repeat it, or separate events by commas."},
    "seeds": {"description": "The seeds. Repeat the field, or separate them by commas."},
    "interpolate_seeds": {"description": "Walk from seed to seed: repeat it, or separate them by commas."},
    "animation": {
        "type": "boolean",
        "description": "Put all pictures into one animated file; format must be gif or webp.",
    },
    "latents": {"description": "A list of vectors, as JSON."},
    "interpolate_latents": {"description": "A list of vectors to walk through, as JSON."},
}
_JSON = frozenset({"latents", "interpolate_latents"})


def input_schema(card: ModelCard) -> Json:
    """Return the schema of the body of POST /v1/jobs for a job that names this model."""
    schema = SPECS[card.kind].model_json_schema()
    properties: Json = schema["properties"]
    properties["model"] = _model(card, properties["model"])
    _narrow_numbers(card, properties)
    if card.kind == "generate":
        _narrow_classes(card, properties)
        _narrow_latents(card, properties, schema["$defs"])
    if card.kind == "stylize":
        _narrow_styles(card, schema["$defs"]["WeightedStyle"])
        properties["stroke"]["default"] = card.stroke or NATIVE
        for name, takes_it in (("optimize", card.optimizes), ("precision", card.fast)):
            if not takes_it:
                del properties[name]
    return {"$schema": DIALECT, **schema, "title": card.title}


def _model(card: ModelCard, known: Json) -> Json:
    names = [card.name, card.pinned().reference, *([None] if card.default else [])]
    schema: Json = {"enum": names, "description": known["description"]}
    return schema


def _narrow_numbers(card: ModelCard, properties: Json) -> None:
    for name in ("strength", "truncation", "count"):
        if name not in properties:
            continue
        limits = card.parameters.get(name)
        if limits is None:
            del properties[name]
        else:
            _narrow(properties[name], limits)


def _narrow(schema: Json, limits: Range) -> None:
    number = next(option for option in schema["anyOf"] if option["type"] != "null")
    number.pop("exclusiveMinimum", None)
    whole = number["type"] == "integer"
    number["minimum"], number["maximum"], schema["default"] = (
        int(value) if whole else value for value in (limits.minimum, limits.maximum, limits.default)
    )


def _narrow_classes(card: ModelCard, properties: Json) -> None:
    classes = card.latent.classes if card.latent else 0
    if not classes:
        del properties["digit"], properties["digits"]
        return
    _narrow(properties["digit"], Range(minimum=0, maximum=classes - 1, default=0))
    properties["digit"]["default"] = None
    text = next(option for option in properties["digits"]["anyOf"] if option["type"] == "string")
    text["pattern"] = text["pattern"].replace("0-9", f"0-{min(classes, 10) - 1}")


def _narrow_latents(card: ModelCard, properties: Json, parts: Json) -> None:
    lists = [_list(properties["seeds"]), _list(properties["latents"])]
    count = card.parameters.get("count")
    if count is not None:
        for schema in lists:
            schema["maxItems"] = int(count.maximum)
    if card.latent is not None:
        for schema in (lists[1], _list(parts["Interpolation"]["properties"]["latents"])):
            schema["items"]["minItems"] = schema["items"]["maxItems"] = card.latent.size


def _list(schema: Json) -> Json:
    found: Json = next(option for option in schema["anyOf"] if option["type"] == "array")
    return found


def _narrow_styles(card: ModelCard, style: Json) -> None:
    """Leave what this network takes: numbers of its own styles, or pictures and names of stored ones."""
    properties = style["properties"]
    if card.builtin_styles:
        del properties["image"], properties["name"]
        _narrow(properties["number"], Range(minimum=0, maximum=len(card.builtin_styles) - 1, default=0))
        style["required"] = ["number"]
        number = properties["number"]
        properties["number"] = number["anyOf"][0] | {"description": number["description"]}
    else:
        del properties["number"]
        style["anyOf"] = [{"required": ["image"]}, {"required": ["name"]}]


@cache
def _schema(spec: type[JobSpec]) -> Json:
    return spec.model_json_schema(ref_template=REF)


def _field(spec: type[JobSpec], name: str, path: tuple[str, ...]) -> Json:
    if name in _JSON:
        return {"type": "string", "contentMediaType": "application/json", **_OWN[name]}
    if name == "animation":
        return dict(_OWN[name])
    whole = _schema(spec)
    here = whole
    for part in path[:-1]:
        here = whole["$defs"][_reference(here["properties"][part])]
    return schema_without_null(here["properties"][path[-1]]) | _OWN.get(name, {})


def _reference(schema: Json) -> str:
    """Return the name of the part that a field holds, which may be null otherwise."""
    options = [schema, *schema.get("anyOf", []), *schema.get("allOf", [])]
    return str(next(option["$ref"] for option in options if "$ref" in option).rpartition("/")[2])


def _form(spec: type[JobSpec], table: Table, first: Json, required: tuple[str, ...] = ()) -> Json:
    fields = {name: _field(spec, name, field.path) for name, field in table.items()}
    form = {"type": "object", "properties": {**first, **fields}, "additionalProperties": False}
    return {**form, "required": list(required)} if required else form


GENERATE_FORM = _form(GenerateSpec, GENERATE, {})
STYLIZE_FORM = _form(
    StylizeSpec,
    STYLIZE,
    {
        "content": _CONTENT,
        "style": {
            "type": "array",
            "items": _PICTURE,
            "minItems": 1,
            "maxItems": 8,
            "description": "A picture, the id of an uploaded file, an address, the name of a stored style, "
            "or the number of a built-in one. Repeat it to mix styles.",
        },
        "weight": {
            "type": "array",
            "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
            "description": "One a style, in their order. Not where some are sent along and others named.",
        },
        "mask": {
            **_PICTURE,
            "description": "White is painted, black stays. Or the id of an uploaded file, or an address.",
        },
    },
    ("content", "style"),
)
TRANSFORM_FORM = _form(TransformSpec, TRANSFORM, {"content": _CONTENT}, ("content",))
_RECIPE = (
    "A picture that Atelier made, with its recipe, or what a command wrote beside one as JSON; or the id of "
    "an uploaded file."
)


def _again(forms: Sequence[Json]) -> Json:
    """Return the form that has all fields of these forms, and the picture with the recipe."""
    fields = {name: field for form in reversed(forms) for name, field in form["properties"].items()}
    properties = {"picture": {**_PICTURE, "description": _RECIPE}, **fields}
    return {
        "type": "object",
        "properties": properties,
        "required": ["picture"],
        "additionalProperties": False,
    }


AGAIN_FORM = _again((STYLIZE_FORM, TRANSFORM_FORM, GENERATE_FORM))
