"""The forms of the one-call submissions, as the OpenAPI document shows them."""

from typing import Any

from pydantic import BaseModel

from api.forms import GENERATE, STYLIZE, WHERE
from api.openapi import schema_without_null
from shared.spec_parts import Grid, Output, Size
from shared.specs import GenerateSpec, StylizeSpec

_PICTURE = {"type": "string", "contentMediaType": "application/octet-stream"}
_INNER: dict[str, type[BaseModel]] = {"output": Output, "size": Size, "grid": Grid}


def _field(spec: type[GenerateSpec] | type[StylizeSpec], name: str) -> dict[str, Any]:
    path = WHERE[name]
    model: type[BaseModel] = spec if len(path) == 1 else _INNER[path[0]]
    schema = model.model_json_schema(ref_template="#/components/schemas/{model}")["properties"][path[-1]]
    return schema_without_null(schema)


def _form(spec: type[GenerateSpec] | type[StylizeSpec], names: frozenset[str]) -> dict[str, Any]:
    properties = {name: _field(spec, name) for name in WHERE if name in names}
    properties["metadata"] |= {"description": "JSON object: up to 16 pairs that come back with the job."}
    return {"type": "object", "properties": properties, "additionalProperties": False}


def _stylize_form() -> dict[str, Any]:
    form = _form(StylizeSpec, STYLIZE)
    pictures = {
        "content": {**_PICTURE, "description": "The picture to repaint, or the id of an uploaded file."},
        "style": {
            "type": "array",
            "items": _PICTURE,
            "minItems": 1,
            "maxItems": 8,
            "description": "Repeat it.",
        },
        "weight": {
            "type": "array",
            "items": {"type": "number"},
            "description": "One a style, in their order.",
        },
    }
    return {**form, "properties": {**pictures, **form["properties"]}, "required": ["content", "style"]}


GENERATE_FORM = _form(GenerateSpec, GENERATE)
STYLIZE_FORM = _stylize_form()
