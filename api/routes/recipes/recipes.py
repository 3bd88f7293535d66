"""Recipes: settings of jobs under names, in versions."""

from functools import partial

from flask import Response

from api.auth import needs, require
from api.openapi import TaggedBlueprint, body, documented, listed, operation, ref
from api.requests.body import json_body
from api.requests.query import PageQuery, parameters_of, read_query
from api.requests.recipe_request import RecipeDeletionQuery, RecipeQuery, parse_recipe
from api.responses.recipe_views import RecipePage, recipe_view
from api.responses.representation import json_response, page_response, require_match
from api.services import base_url, owner, services
from shared.access.key import Scope
from shared.recipes.store import SHARED

blueprint = TaggedBlueprint("recipes", tag="Recipes", url_prefix="/v1/recipes")

_WHERE = {"Location": "Where the recipe is."}
_NO_CACHE = {"Cache-Control": "private, no-cache"}


@blueprint.post("")
@operation(
    "createRecipe",
    {
        200: documented("The latest version is the same", ref("RecipeView"), headers=_WHERE),
        201: documented("A new version is kept", ref("RecipeView"), headers=_WHERE),
    },
    problems=(400, 403, 409, 413, 415, 422, 503),
    request_body=body({"application/json": ref("RecipeRequest")}),
)
@needs(Scope.SUBMIT)
def create_recipe() -> Response:
    """Keep settings of jobs as the next version of a recipe.

    Jobs and items of batches then give its name as `recipe`; what they give themselves goes over it.
    Versions are numbered from 1 and never change; the latest ones are kept. One for everybody needs a key
    with the scope `admin`.
    """
    asked = parse_recipe(json_body(), services().catalog, services().settings.recipes)
    whose = _whose(shared=asked.shared)
    services().memory.check()
    recipe, created = services().recipes.create(whose, asked.name, asked.settings)
    view = recipe_view(recipe, base_url())
    return json_response(view, 201 if created else 200, {**_NO_CACHE, "Location": view.urls.version})


@blueprint.get("")
@operation(
    "listRecipes", listed("recipes", "RecipePage"), problems=(422, 503), parameters=parameters_of(PageQuery)
)
@needs(Scope.READ)
def list_recipes() -> Response:
    """List the latest versions of your recipes, and of all that are everybody's."""
    query, view = read_query(PageQuery), partial(recipe_view, base=base_url())
    page = services().recipes.page(owner(), limit=query.limit, cursor=query.cursor)
    return page_response(RecipePage, page, view, shared=[view(one) for one in services().recipes.shared()])


@blueprint.get("/<name>")
@operation(
    "getRecipe",
    {200: documented("The recipe", ref("RecipeView"))},
    problems=(404, 422, 503),
    parameters=parameters_of(RecipeQuery),
)
@needs(Scope.READ)
def get_recipe(name: str) -> Response:
    """Read a version of a recipe: your own, else the one that is everybody's."""
    found = services().recipes.get(owner(), name, read_query(RecipeQuery).version)
    return json_response(recipe_view(found, base_url()), headers=_NO_CACHE)


@blueprint.delete("/<name>")
@operation(
    "deleteRecipe",
    {204: documented("The recipe is forgotten")},
    problems=(403, 404, 422, 503),
    parameters=parameters_of(RecipeDeletionQuery),
)
@needs(Scope.SUBMIT)
def delete_recipe(name: str) -> Response:
    """Forget a recipe with all of its versions. Jobs that named it have what they took of it."""
    require_match(None)
    services().recipes.delete(_whose(shared=read_query(RecipeDeletionQuery).shared), name)
    return Response(status=204)


def _whose(*, shared: bool) -> str:
    """Return the owner of a recipe that the request makes or deletes; raise ScopeMissing."""
    if shared:
        require(Scope.ADMIN)
    return SHARED if shared else owner()
