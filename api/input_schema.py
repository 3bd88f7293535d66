"""JSON Schema of a job for one model: the specification, narrowed by the model's card."""

from typing import Any

from api.validation import SPECS
from shared.cards import ModelCard, Range

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def input_schema(card: ModelCard) -> dict[str, Any]:
    """Return the schema of the body of POST /v1/jobs for a job that names this model."""
    schema = SPECS[card.kind].model_json_schema()
    properties: dict[str, Any] = schema["properties"]
    properties["model"] = _model(card, properties["model"])
    _narrow_numbers(card, properties)
    if card.kind == "generate":
        _narrow_generator(card, properties)
    return {"$schema": DIALECT, **schema, "title": card.title}


def _model(card: ModelCard, known: dict[str, Any]) -> dict[str, Any]:
    names = [card.name, None] if card.default else [card.name]
    schema: dict[str, Any] = {"enum": names, "description": known["description"]}
    return schema


def _narrow_numbers(card: ModelCard, properties: dict[str, Any]) -> None:
    for name in ("strength", "truncation", "count"):
        if name not in properties:
            continue
        limits = card.parameters.get(name)
        if limits is None:
            del properties[name]
        else:
            _narrow(properties[name], limits)


def _narrow(schema: dict[str, Any], limits: Range) -> None:
    number = next(option for option in schema["anyOf"] if option["type"] != "null")
    number.pop("exclusiveMinimum", None)
    whole = number["type"] == "integer"
    number["minimum"], number["maximum"], schema["default"] = (
        int(value) if whole else value for value in (limits.minimum, limits.maximum, limits.default)
    )


def _narrow_generator(card: ModelCard, properties: dict[str, Any]) -> None:
    classes = card.latent.classes if card.latent else 0
    if classes:
        _narrow(properties["digit"], Range(minimum=0, maximum=classes - 1, default=0))
        properties["digit"]["default"] = None
    else:
        del properties["digit"]
    count = card.parameters.get("count")
    if count is not None:
        seeds = next(option for option in properties["seeds"]["anyOf"] if option["type"] == "array")
        seeds["maxItems"] = int(count.maximum)
