"""`client.recipes`: settings of jobs that the service keeps under names, in versions."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import quote

from atelier.client.errors import reading
from atelier.client.request_parts import to_plain
from atelier.client.responses import json_of
from atelier.client.transport import Resource


@dataclass(frozen=True, slots=True)
class StoredRecipe:
    """One version of a recipe."""

    name: str
    version: int
    versions: tuple[int, ...]  # that are kept, ascending
    reference: str  # what a job gives as `recipe` to get this very version
    settings: Mapping[str, Any]
    shared: bool  # whether it is everybody's
    created_at: datetime  # of this version
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


class RecipesResource(Resource):
    """The recipes of one Atelier."""

    def create(self, name: str, settings: Mapping[str, Any], *, shared: bool = False) -> StoredRecipe:
        """Keep settings as the next version of a recipe; the same as its latest version changes nothing.

        `settings` are fields of a job with its `type`, but for its pictures. With `shared` it is everybody's,
        for which an admin's key is needed. Raises ApiError with every fault by field.
        """
        body = {"name": name, "settings": to_plain(settings), **({"shared": True} if shared else {})}
        return _recipe_from_json(json_of(self._transport.send("POST", "/v1/recipes", json=body)))

    def list(self) -> Iterator[StoredRecipe]:
        """Yield the latest versions of your recipes, the one that changed last first, then of everybody's."""
        shared: list[Any] = []
        for page in self._transport.pages("/v1/recipes", {}):
            with reading("a list of recipes"):
                shared = page["shared"]
                yield from map(_recipe_from_json, page["data"])
        yield from map(_recipe_from_json, shared)

    def get(self, name: str, version: int | None = None) -> StoredRecipe:
        """Return a version of a recipe, the latest without a number; raise ApiError (404) without one."""
        params = {} if version is None else {"version": version}
        return _recipe_from_json(json_of(self._transport.send("GET", _path(name), params=params)))

    def delete(self, name: str, *, shared: bool = False) -> None:
        """Delete a recipe with all versions; raise ApiError (404) without one."""
        params = {"shared": "true"} if shared else {}
        self._transport.send("DELETE", _path(name), params=params)


def _path(name: str) -> str:
    return f"/v1/recipes/{quote(name, safe='')}"


def _recipe_from_json(body: Any) -> StoredRecipe:
    with reading("a recipe"):
        return StoredRecipe(
            name=body["name"],
            version=int(body["version"]),
            versions=tuple(body["versions"]),
            reference=body["reference"],
            settings=body["settings"],
            shared=bool(body["shared"]),
            created_at=datetime.fromisoformat(body["created_at"]),
            raw=body,
        )
