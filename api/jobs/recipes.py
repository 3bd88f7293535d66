"""Recipes that jobs name: their settings are put under what a job gives itself, when it is accepted."""

import re
from typing import Any

from api.services import Services
from shared.errors import InvalidRequest, RecipeNotFound
from shared.recipes.store import StoredRecipe
from shared.specs.parts import RECIPE
from shared.specs.recipe import merged


class Recipes:
    """The recipes that the jobs of one request name; each is read once."""

    def __init__(self, services: Services, owner: str) -> None:
        self._store = services.recipes
        self._owner = owner
        self._known: dict[str, StoredRecipe] = {}

    def applied(self, raw: Any) -> Any:
        """Return a job as sent with the settings of its recipe, and which version of it; others unchanged.

        Raises RecipeNotFound, or InvalidRequest where the recipe is for jobs of another type.
        """
        name = raw.get("recipe") if isinstance(raw, dict) else None
        if not isinstance(name, str) or not re.fullmatch(RECIPE, name):
            return raw  # what is no name is refused with the other faults
        found = self._named(name)
        kind = found.settings["type"]
        if raw.get("type", kind) != kind:
            detail = (
                f"recipe {name} is for jobs of the type {kind}, and this one is of the type {raw['type']}"
            )
            raise InvalidRequest.of_field("/recipe", detail)
        return {**merged(found.settings, raw), "recipe": found.reference}

    def _named(self, reference: str) -> StoredRecipe:
        if reference not in self._known:
            name, _, version = reference.partition("@")
            try:
                found = self._store.get(self._owner, name, int(version) if version else None)
            except RecipeNotFound as error:
                raise RecipeNotFound.of_field("/recipe", error.detail) from error
            self._known[reference] = found
        return self._known[reference]
