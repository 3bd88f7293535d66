"""Recipes as clients see them."""

from typing import Any, Literal

from pydantic import Field

from shared.jobs.views import Time, Url, View, rfc3339
from shared.recipes.store import SHARED, StoredRecipe


class RecipeUrls(View):
    """Where a recipe is."""

    self: Url  # type: ignore[misc,unused-ignore]
    version: Url


class RecipeView(View):
    """One version of a recipe."""

    name: str
    object: Literal["recipe"]
    version: int
    versions: list[int] = Field(description="Those that are kept, ascending.")
    reference: str = Field(description="What a job gives as `recipe` to get this very version.")
    shared: bool = Field(description="Whether it is everybody's.")
    settings: dict[str, Any]
    created_at: Time = Field(description="When this version was made.")
    urls: RecipeUrls


class RecipePage(View):
    """Some of your recipes, the one that changed last first, and all that are everybody's."""

    object: Literal["list"]
    data: list[RecipeView]
    next_cursor: str | None
    shared: list[RecipeView]


def recipe_view(recipe: StoredRecipe, base: str) -> RecipeView:
    """Return the representation of a recipe; `base` is that of links."""
    home = f"{base}/v1/recipes/{recipe.name}"
    return RecipeView(
        name=recipe.name,
        object="recipe",
        version=recipe.version,
        versions=list(recipe.versions),
        reference=recipe.reference,
        shared=recipe.owner == SHARED,
        settings=dict(recipe.settings),
        created_at=rfc3339(recipe.created_at),
        urls=RecipeUrls(self=home, version=f"{home}?version={recipe.version}"),
    )
