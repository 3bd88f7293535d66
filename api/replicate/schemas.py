"""What a model takes and gives, as the OpenAPI document that clients find in a version of a model."""

import json
from typing import Any

from api.docs.form_schemas import input_schema
from shared.cards.card import ModelCard
from shared.replicate.prediction import ENCODING, LISTED

Json = dict[str, Any]
ELSEWHERE = ("type", "model", "webhook")  # fields of a job that a prediction has outside of its input
ENCODINGS = ("url", "data")
_PARTS = "#/components/schemas/Input"  # before the name of each part: one of them is called Output
_ENCODING: Json = {
    "enum": [*ENCODINGS, None],
    "default": None,
    "description": "Whether the output is addresses, or the pictures themselves as data URLs. Null: data "
    "URLs where the service is reached by http, of whose addresses the clients make no files.",
}


def openapi_schema(card: ModelCard) -> Json:
    """Return the document; `Input` and `Output` among its schemas are what clients look for."""
    text = json.dumps(input_schema(card)).replace('"#/$defs/', f'"{_PARTS}')
    schema: Json = json.loads(text)
    parts: Json = schema.pop("$defs")
    parts.pop("Webhook")
    properties = {name: part for name, part in schema["properties"].items() if name not in ELSEWHERE}
    given = {
        "type": "object",
        "title": "Input",
        "required": [name for name in schema.get("required", ()) if name not in ELSEWHERE],
        "properties": {**properties, ENCODING: _ENCODING},
        "additionalProperties": False,
    }
    schemas = {f"Input{name}": part for name, part in parts.items()}
    return {
        "openapi": "3.1.0",
        "info": {"title": card.title, "version": card.version},
        "paths": {},
        "components": {"schemas": {"Input": given, "Output": _output(card), **schemas}},
    }


def _output(card: ModelCard) -> Json:
    # Without `x-cog-array-type`, which would have `run()` return an iterator in the place of a list.
    picture = {"type": "string", "format": "uri"}
    return {"title": "Output", **({"type": "array", "items": picture} if card.kind in LISTED else picture)}
