"""The recipe in a picture, as fields of a job: what a stranger wrote, and is checked as a request is."""

from collections.abc import Collection, Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from api.errors import MalformedJson
from api.requests.json_text import decode_json
from shared.errors import (
    AtelierError,
    BodyTooLarge,
    FieldError,
    InvalidRequest,
    RecipeInvalid,
    RecipeMissing,
)
from shared.images.recipe import recipe_in
from shared.specs.parts import EXACT, FileId, is_address
from shared.specs.recipe import APART, FORMAT, MARK
from shared.specs.spec import SPECS

POINTER = "/picture"
_PICTURES = frozenset({"content", "mask"})  # those of a file beside a picture may name its own


class AgainRequest(BaseModel):
    """A picture with a recipe, and any fields of the recipe's type of job, which go over the recipe's."""

    model_config = ConfigDict(frozen=True, extra="allow")

    picture: FileId = Field(description="Id of the picture's file.")


def read_recipe(data: bytes) -> dict[str, Any]:
    """Return what the recipe in a picture asks for, its model by name alone; the values are not checked.

    Raises RecipeMissing or RecipeInvalid, naming the picture.
    """
    try:
        return _fields(decode_json(recipe_in(data), subject="the recipe"))
    except (RecipeMissing, RecipeInvalid) as error:
        raise type(error).of_field(POINTER, error.detail) from error
    except (MalformedJson, BodyTooLarge, InvalidRequest) as error:
        raise RecipeInvalid.of_field(POINTER, f"the recipe is damaged: {error.detail}") from error


def _fields(raw: Any) -> dict[str, Any]:
    if not isinstance(raw, dict) or type(raw.get(MARK)) is not int:
        raise RecipeInvalid("this is no recipe of Atelier's")
    if raw[MARK] != FORMAT:
        text = f"the recipe is of form {raw[MARK]}, and this service reads form {FORMAT}"
        raise RecipeInvalid(f"{text}: another version of Atelier wrote it")
    if raw.get("type") not in SPECS or not isinstance(raw.get("model"), str):
        raise RecipeInvalid(f"the recipe must name its model, and its type: one of {', '.join(SPECS)}")
    if faults := list(_faults(raw)):
        raise RecipeInvalid(f"a recipe may not have {', '.join(faults)}")
    name = raw["model"].partition("@")[0]
    fields = {field: value for field, value in raw.items() if field != MARK} | {"model": name}
    if isinstance(output := raw.get("output"), dict):
        fields["output"] = _without_position(output)
    # It says nothing of what was exact, as equal pictures have equal recipes; the usual may be another here.
    return {"precision": EXACT, **fields} if raw["type"] == "stylize" else fields


def _without_position(output: dict[str, Any]) -> dict[str, Any]:
    """Return the output, from which a position is left out: a request asks for that, and no recipe."""
    return {**output, "metadata": "safe"} if output.get("metadata") == "all" else output


def _faults(raw: dict[str, Any]) -> Iterator[str]:
    """Yield what a recipe must not bring about: whose picture it is never decides who is told or asked."""
    yield from sorted((APART - _PICTURES) & raw.keys())
    styles = raw.get("styles")
    listed = styles if isinstance(styles, list) else []
    named = [style.get("image") for style in listed if isinstance(style, dict)]
    if any(isinstance(name, str) and is_address(name) for name in [*named, *map(raw.get, _PICTURES)]):
        yield "addresses of pictures"


def blaming_picture(error: AtelierError, fields: Collection[str]) -> AtelierError:
    """Return an error in which faults of these fields, which the recipe has given, are the picture's."""
    faults = []
    for entry in error.errors:
        if entry.pointer.lstrip("/").partition("/")[0] in fields:
            detail = f"picture has a recipe that cannot be used here: {entry.detail}"
            entry = FieldError(POINTER, detail, entry.code)
        faults.append(entry)
    return type(error)("; ".join(fault.detail for fault in faults), errors=faults) if faults else error
