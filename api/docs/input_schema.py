"""JSON Schema of a job for one model: the specification, narrowed by the model's card."""

from typing import Any

from shared.cards.card import ModelCard
from shared.cards.parts import Range
from shared.specs.spec import SPECS
from shared.specs.stylize import NATIVE

DIALECT = "https://json-schema.org/draft/2020-12/schema"
Json = dict[str, Any]


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
        if not card.optimizes:
            del properties["optimize"]
    return {"$schema": DIALECT, **schema, "title": card.title}


def _model(card: ModelCard, known: Json) -> Json:
    names = [card.name, None] if card.default else [card.name]
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
