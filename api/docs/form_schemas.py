"""The forms of the one-call submissions, as the OpenAPI document shows them."""

from functools import cache
from typing import Any

from api.openapi import REF, schema_without_null
from api.requests.form_fields import GENERATE, STYLIZE, TRANSFORM, Table
from shared.specs.spec import GenerateSpec, JobSpec, StylizeSpec, TransformSpec

Json = dict[str, Any]

_PICTURE = {"type": "string", "contentMediaType": "application/octet-stream"}
_CONTENT = {**_PICTURE, "description": "The picture to work on, or the id of an uploaded file."}
_OWN = {  # where a form's field has another description, or type, than the specification's
    "metadata": {"description": "JSON object: up to 16 pairs that come back with the job."},
    "webhook": {
        "description": "The address that is told how the job goes; it begins with http:// or https://."
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
            "description": "A picture, the id of an uploaded file, the name of a stored style, or the number "
            "of a built-in one. Repeat it to mix styles.",
        },
        "weight": {
            "type": "array",
            "items": {"type": "number", "exclusiveMinimum": 0, "maximum": 100},
            "description": "One a style, in their order. Not where some are sent along and others named.",
        },
        "mask": {**_PICTURE, "description": "White is painted, black stays. Or the id of an uploaded file."},
    },
    ("content", "style"),
)
TRANSFORM_FORM = _form(TransformSpec, TRANSFORM, {"content": _CONTENT}, ("content",))
