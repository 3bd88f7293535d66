"""Made from atelier/client/recipes/stored.py by `make async-client`: change that file, not this one."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing
from typing import Any

from atelier.client.aio.transport import AsyncResource
from atelier.client.errors import reading
from atelier.client.recipes.stored import StoredRecipe, _path, _recipe_from_json
from atelier.client.request_parts import to_plain
from atelier.client.responses import json_of


class AsyncRecipesResource(AsyncResource):
    """The recipes of one Atelier."""

    async def create(self, name: str, settings: Mapping[str, Any], *, shared: bool = False) -> StoredRecipe:
        """Keep settings as the next version of a recipe; the same as its latest version changes nothing.

        `settings` are fields of a job with its `type`, but for its pictures. With `shared` it is everybody's,
        for which an admin's key is needed. Raises ApiError with every fault by field.
        """
        body = {"name": name, "settings": to_plain(settings), **({"shared": True} if shared else {})}
        return _recipe_from_json(json_of(await self._transport.send("POST", "/v1/recipes", json=body)))

    async def list(self) -> AsyncGenerator[StoredRecipe, None]:
        """Yield the latest versions of your recipes, the one that changed last first, then of everybody's."""
        shared: list[Any] = []
        async with aclosing(self._transport.pages("/v1/recipes", {})) as stream:
            async for page in stream:
                with reading("a list of recipes"):
                    shared = page["shared"]
                    for entry in map(_recipe_from_json, page["data"]):
                        yield entry
        for entry in map(_recipe_from_json, shared):
            yield entry

    async def get(self, name: str, version: int | None = None) -> StoredRecipe:
        """Return a version of a recipe, the latest without a number; raise ApiError (404) without one."""
        params = {} if version is None else {"version": version}
        return _recipe_from_json(json_of(await self._transport.send("GET", _path(name), params=params)))

    async def delete(self, name: str, *, shared: bool = False) -> None:
        """Delete a recipe with all versions; raise ApiError (404) without one."""
        params = {"shared": "true"} if shared else {}
        await self._transport.send("DELETE", _path(name), params=params)
