"""Recipes on the server: settings of jobs that an owner keeps under a name, in numbered versions.

Those of the owner SHARED are everybody's; an owner's own of the same name goes before.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.errors import RecipeNotFound, TooManyRecipes
from shared.redis.client import Page, newest, record_of, store_errors
from shared.redis.scripts import Scripts
from shared.setting_groups import RecipeRules

SHARED = "*"  # the owner of what is everybody's; no key can have it
_SETTINGS, _CREATED = "settings:", "created:"  # with the version: fields of a record


@dataclass(frozen=True, slots=True)
class StoredRecipe:
    """One version of a recipe."""

    name: str
    owner: str
    version: int
    versions: tuple[int, ...]  # that are kept, ascending
    settings: Mapping[str, Any]
    created_at: int  # of this version, milliseconds since the epoch

    @property
    def reference(self) -> str:
        """The name with the version, as jobs may give it and as their records have it."""
        return f"{self.name}@{self.version}"


class RecipeStore:
    """The recipes of all owners. A version never changes."""

    def __init__(self, scripts: Scripts, rules: RecipeRules) -> None:
        self._scripts = scripts
        self._rules = rules

    def create(self, owner: str, name: str, settings: Mapping[str, Any]) -> tuple[StoredRecipe, bool]:
        """Keep settings as the next version; return it, and whether it is new: not the latest again.

        The oldest version goes where there are more than may be kept. Raises TooManyRecipes.
        """
        text = json.dumps(settings, sort_keys=True, separators=(",", ":"))
        limits = (self._rules.max_names, self._rules.max_versions)
        how, flat = self._scripts.run("recipes/create", owner, name, text, *limits)
        if how == "full":
            most = self._rules.max_names
            raise TooManyRecipes(f"there are {most} recipes, as many as there may be; delete one first")
        return _recipe(record_of(flat), None), how == "created"

    def get(self, owner: str, name: str, version: int | None = None) -> StoredRecipe:
        """Return a version of the owner's recipe, else of the shared one; raise RecipeNotFound."""
        keys = self._scripts.keys
        for whose in (owner, SHARED):
            with store_errors():
                raw = self._scripts.client.hgetall(keys("recipe", whose, name))
            if raw:
                return _recipe(raw, version)
        raise RecipeNotFound(f"there is no recipe {name}")

    def page(self, owner: str, *, limit: int = 20, cursor: str | None = None) -> Page[StoredRecipe]:
        """Return the latest versions of an owner's own recipes, the one that changed last first."""
        keys = self._scripts.keys
        names = newest(self._scripts.client, keys("owned_recipes", owner), limit=limit, cursor=cursor)
        pipeline = self._scripts.client.pipeline(transaction=False)
        for name in names.items:
            pipeline.hgetall(keys("recipe", owner, name))
        with store_errors():
            found = pipeline.execute() if names.items else []
        return Page(tuple(_recipe(raw, None) for raw in found if raw), names.next_cursor)

    def shared(self) -> tuple[StoredRecipe, ...]:
        """Return the latest versions of everybody's recipes."""
        return self.page(SHARED, limit=self._rules.max_names).items

    def delete(self, owner: str, name: str) -> None:
        """Forget a recipe of this owner with all versions; jobs that named it have what they took of it.

        Raises RecipeNotFound.
        """
        if self._scripts.run("recipes/remove", owner, name) == "missing":
            raise RecipeNotFound(f"there is no recipe {name}")


def _recipe(raw: Mapping[str, str], version: int | None) -> StoredRecipe:
    """Return a version, the latest without a number; raise RecipeNotFound."""
    number = int(raw["latest"]) if version is None else version
    kept = sorted(int(name.removeprefix(_SETTINGS)) for name in raw if name.startswith(_SETTINGS))
    if number not in kept:
        span = f"version {kept[0]}" if len(kept) == 1 else f"versions {kept[0]} to {kept[-1]}"
        raise RecipeNotFound(f"there is no version {number} of the recipe {raw['name']}; it has {span}")
    settings = json.loads(raw[f"{_SETTINGS}{number}"])
    created_at = int(raw[f"{_CREATED}{number}"])
    return StoredRecipe(raw["name"], raw["owner"], number, tuple(kept), settings, created_at)
