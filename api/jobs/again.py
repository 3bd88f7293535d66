"""Jobs from the recipe in a picture: the same style and settings for another photo."""

import re
from collections.abc import Iterator, Set
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

from api.jobs.submission import Caller, submit_form, submit_json
from api.jobs.workers import AvailableModels
from api.requests.field_errors import combined, validated
from api.requests.forms import FORMS
from api.requests.pictures import Fields, Parts, fault, read_picture
from api.requests.recipe import POINTER, AgainRequest, blaming_picture, read_recipe
from api.services import Services
from shared.cards.parts import VERSION_SIGN
from shared.errors import AtelierError, FileNotFound, RecipeInvalid
from shared.identifiers import FILE_ID
from shared.jobs.submission import Submitted
from shared.specs.recipe import merged
from shared.storage.base import read_checked

NAME = POINTER.removeprefix("/")
_OF_STYLES = frozenset({"style", "weight"})  # what a form calls `styles`


def submit_json_again(services: Services, raw: object, caller: Caller) -> Submitted:
    """Accept the job of the recipe in a stored file, with the other fields of a JSON value over it."""
    asked = validated(AgainRequest, raw)
    given = asked.model_extra or {}
    recipe = _recipe_in(services, _stored(services, caller.owner, asked.picture))
    with _blaming(recipe.keys() - given.keys()):
        return submit_json(services, merged(recipe, given), caller)


def submit_form_again(services: Services, fields: Fields, parts: Parts, caller: Caller) -> Submitted:
    """Accept the job of the recipe in the picture of a form, with the other fields of the form over it."""
    recipe = _sent_recipe(services, fields, parts, caller.owner)
    kind = recipe["type"]
    if kind not in FORMS:
        raise RecipeInvalid.of_field(POINTER, f"no form is known for jobs of the type {kind}")
    form = FORMS[kind].read(_without(fields), _without(parts))
    given = {name: value for name, value in form.raw.items() if name != "type"}
    with _blaming(recipe.keys() - given.keys()):
        return submit_form(services, replace(form, raw=merged(recipe, given)), caller)


def _sent_recipe(services: Services, fields: Fields, parts: Parts, owner: str) -> dict[str, Any]:
    faults: list[AtelierError] = []
    name, sent = read_picture(NAME, fields, parts, faults)
    if name is None:
        faults.append(fault(POINTER, "picture is missing", "missing"))
    elif not sent and not re.fullmatch(FILE_ID, name):
        text = "picture is neither a picture nor the id of an uploaded file"
        faults.append(
            fault(POINTER, f"{text}; to send a picture from a file, write -F picture=@...", "invalid_format")
        )
    if faults:
        raise combined(faults)
    return _recipe_in(services, sent[0].data if sent else _stored(services, owner, str(name)))


def _recipe_in(services: Services, data: bytes) -> dict[str, Any]:
    """Return the recipe in a picture; of its model the version, where jobs without one may get another."""
    recipe = read_recipe(data)
    name, _, version = recipe["model"].partition(VERSION_SIGN)
    cards, models = services.catalog.versions(name), AvailableModels(services)
    known = [card.version for card in cards if models.has(card) is not False]
    stays = cards[:1] and cards[0].version == version and name not in services.rollouts.recent()
    return recipe if version in known and not stays else {**recipe, "model": name}


def _stored(services: Services, owner: str, name: str) -> bytes:
    try:
        file = services.files.get(owner, name)
        return read_checked(services.objects, file.key, file.sha256)
    except FileNotFound as error:
        raise FileNotFound.of_field(POINTER, f"there is no file {name}") from error


def _without(texts: Any) -> Any:
    """Return the fields or the parts of a form without the picture."""
    return type(texts)([pair for pair in texts.items(multi=True) if pair[0] != NAME])


@contextmanager
def _blaming(fields: Set[str]) -> Iterator[None]:
    """Let errors name the picture where a fault is of these fields, which its recipe has given."""
    try:
        yield
    except AtelierError as error:
        names = fields | (_OF_STYLES if "styles" in fields else set())
        raise blaming_picture(error, names) from error
