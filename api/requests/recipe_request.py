"""A request to keep settings of jobs as a recipe."""

import json
from collections.abc import Iterator, Mapping
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field

from api.requests.field_errors import invalid, parse_spec, validated
from api.requests.query import QueryModel
from shared.cards.card import Catalog
from shared.errors import AtelierError, FieldError
from shared.identifiers import file_id
from shared.setting_groups import RecipeRules
from shared.specs.parts import RECIPE_NAME
from shared.specs.recipe import APART
from shared.specs.spec import SPECS

# What a job gives beside its recipe; for the check of the rest.
_STAND_INS: Mapping[str, Any] = {"content": file_id("0" * 64), "styles": [{"number": 0}]}


class RecipeRequest(BaseModel):
    """Settings of jobs, and the name to keep them under."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    name: Annotated[str, Field(pattern=RECIPE_NAME, description="Lower case; what jobs give as `recipe`.")]
    settings: dict[str, Any] = Field(
        min_length=1,
        description="Fields of a job and its `type`: all but its pictures, and what says who is told and "
        "when. Styles are given by name or by number.",
    )
    shared: bool = Field(default=False, description="For everybody; an admin's key may do so.")


class RecipeQuery(QueryModel):
    """Which version of a recipe."""

    version: int | None = Field(default=None, ge=1, le=999_999_999, description="Without it, the latest.")


class RecipeDeletionQuery(QueryModel):
    """Whose recipe."""

    shared: bool = Field(default=False, description="The one that is everybody's, with an admin's key.")


def parse_recipe(raw: object, catalog: Catalog, rules: RecipeRules) -> RecipeRequest:
    """Return the request that a JSON value holds; raise InvalidRequest that names every fault."""
    asked = validated(RecipeRequest, raw)
    faults = list(_faults(asked.settings, rules)) or list(_faults_of_job(asked.settings, catalog))
    if faults:
        raise invalid([FieldError(f"/settings{f.pointer}", f"settings: {f.detail}", f.code) for f in faults])
    return asked


def _faults(settings: Mapping[str, Any], rules: RecipeRules) -> Iterator[FieldError]:
    if settings.get("type") not in SPECS:
        yield FieldError("/type", f"type must be one of {', '.join(SPECS)}", "invalid_choice")
    for name in sorted(APART & settings.keys()):
        yield FieldError(f"/{name}", f"{name} is a job's own to say, and in no recipe", "unknown_field")
    size = len(json.dumps(settings, separators=(",", ":")).encode())
    if size > rules.max_bytes:
        text = f"they have {size} bytes as JSON; at most {rules.max_bytes} are allowed (max_kibibytes)"
        yield FieldError("", text, "out_of_range")
    styles = settings.get("styles")
    for index, style in enumerate(styles if isinstance(styles, list) else ()):
        if isinstance(style, dict) and style.get("image") is not None:
            text = "image goes when no job needs it: keep it by POST /v1/styles, and give its name"
            yield FieldError(f"/styles/{index}/image", text, "unknown_parameter")


def _faults_of_job(settings: Mapping[str, Any], catalog: Catalog) -> Iterator[FieldError]:
    """Yield the faults of settings as those of a job, without those of what the job is to give."""
    fields = SPECS[settings["type"]].model_fields
    filled = {name: value for name, value in _STAND_INS.items() if name in fields and name not in settings}
    try:
        parse_spec({**filled, **settings}, catalog)
    except AtelierError as error:
        for fault in error.errors:
            if fault.pointer.split("/")[1] not in filled:
                yield fault
