"""`client.styles` and `client.models`: styles under names, and the networks that jobs may name."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

from atelier.client.errors import reading
from atelier.client.files import FilesResource, Source
from atelier.client.job import JobType
from atelier.client.queue.rollouts import (
    ModelVersions,
    Rollout,
    rollout_from_json,
    rollout_path,
    versions_from_json,
    versions_path,
)
from atelier.client.responses import json_of
from atelier.client.transport import PAGE_SIZE, Resource, Transport


@dataclass(frozen=True, slots=True)
class StoredStyle:
    """A picture with a name."""

    name: str
    image: str  # the file's id
    url: str  # of the picture
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


@dataclass(frozen=True, slots=True)
class BuiltinStyles:
    """The built-in styles of one model."""

    model: str
    names: tuple[str, ...]  # by number
    sheet_url: str | None  # of a picture of all of them


@dataclass(frozen=True, slots=True)
class Styles:
    """All styles that jobs may name or number."""

    stored: tuple[StoredStyle, ...]  # newest first
    builtin: tuple[BuiltinStyles, ...]


class StylesResource(Resource):
    """The styles of one Atelier."""

    def __init__(self, transport: Transport, files: FilesResource) -> None:
        super().__init__(transport)
        self._files = files

    def list(self) -> Styles:
        """Return all stored styles, newest first, and the built-in ones of every model that has any."""
        pages = [page for page in self._transport.pages("/v1/styles", {"limit": PAGE_SIZE})]
        stored = tuple(_style_from_json(entry) for page in pages for entry in page["data"])
        with reading("a list of styles"):
            return Styles(stored, tuple(_builtin(entry) for entry in pages[0]["builtin"]))

    def create(self, name: str, image: Source) -> StoredStyle:
        """Store a picture as a style with a name that jobs may use; the same again changes nothing.

        Raises ApiError where the name has another picture, and as `files.upload` does.
        """
        body = {"name": name, "image": self._files.upload(image)}
        return _style_from_json(json_of(self._transport.send("POST", "/v1/styles", json=body)))

    def delete(self, name: str) -> None:
        """Delete a stored style; its picture stays among the files. Raises ApiError (404) without one."""
        self._transport.send("DELETE", f"/v1/styles/{quote(name, safe='')}")

    def sheet(self, model: str) -> bytes:
        """Return a JPEG that shows all built-in styles of a model, by number."""
        return self._transport.send("GET", f"/v1/styles/builtin/{quote(model, safe='')}/sheet").content


def _style_from_json(body: Any) -> StoredStyle:
    with reading("a style"):
        return StoredStyle(body["name"], body["image"], body["urls"]["image"], body)


def _builtin(body: Any) -> BuiltinStyles:
    return BuiltinStyles(body["model"], tuple(s["name"] for s in body["styles"]), body.get("sheet_url"))


@dataclass(frozen=True, slots=True)
class Model:
    """A network that jobs may name."""

    name: str
    type: JobType  # of the jobs that may name it
    version: str
    title: str
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


class ModelsResource(Resource):
    """The models of one Atelier."""

    def list(self) -> tuple[Model, ...]:
        """Return the models that jobs may name."""
        page = self._transport.page("/v1/models")  # all are on one
        with reading("a model"):
            return tuple(
                Model(body["name"], body["type"], body["version"], body.get("title") or "", body)
                for body in page["data"]
            )

    def versions(self, model: str) -> ModelVersions:
        """Return the versions of a model, with an admin's key how jobs did with each. Raises ApiError."""
        return versions_from_json(json_of(self._transport.send("GET", versions_path(model))))

    def roll_out(self, model: str, version: str, share: float) -> Rollout:
        """Give a share of a model's new jobs, above 0 and up to 1, another version than the current one.

        What was accepted keeps its version. Raises ApiError where no worker has it, or it takes less than the
        current one.
        """
        body = {"version": version, "share": share}
        return rollout_from_json(json_of(self._transport.send("PUT", rollout_path(model), json=body)))

    def roll_back(self, model: str) -> None:
        """Give all new jobs of a model its current version again. Raises ApiError (404) without a rollout."""
        self._transport.send("DELETE", rollout_path(model))

    def limit(self, model: str) -> int | None:
        """Return how many jobs of a model may run at once, over all workers; None for any number."""
        body = json_of(self._transport.send("GET", _limits(model)))
        with reading("the limits of a model"):
            return None if body["running"] is None else int(body["running"])

    def set_limit(self, model: str, running: int | None) -> None:
        """Let so many jobs of a model run at once, 1 or more; None for any number. Those that run go on."""
        self._transport.send("PUT", _limits(model), json={"running": running})

    def reload(self) -> None:
        """Have every live worker take new model versions into service; they do so within seconds."""
        self._transport.send("POST", "/v1/models/reload")


def _limits(model: str) -> str:
    return f"/v1/models/{quote(model, safe='')}/limits"
