"""Made from atelier/client/styles.py by `make async-client`: change that file, not this one."""

from urllib.parse import quote

from atelier.client.aio.files import AsyncFilesResource
from atelier.client.aio.transport import AsyncResource, AsyncTransport
from atelier.client.errors import reading
from atelier.client.files import Source
from atelier.client.queue.rollouts import (
    ModelVersions,
    Rollout,
    rollout_from_json,
    rollout_path,
    versions_from_json,
    versions_path,
)
from atelier.client.responses import json_of
from atelier.client.styles import Model, StoredStyle, Styles, _builtin, _limits, _style_from_json
from atelier.client.transport import PAGE_SIZE


class AsyncStylesResource(AsyncResource):
    """The styles of one Atelier."""

    def __init__(self, transport: AsyncTransport, files: AsyncFilesResource) -> None:
        super().__init__(transport)
        self._files = files

    async def list(self) -> Styles:
        """Return all stored styles, newest first, and the built-in ones of every model that has any."""
        pages = [page async for page in self._transport.pages("/v1/styles", {"limit": PAGE_SIZE})]
        stored = tuple(_style_from_json(entry) for page in pages for entry in page["data"])
        with reading("a list of styles"):
            return Styles(stored, tuple(_builtin(entry) for entry in pages[0]["builtin"]))

    async def create(self, name: str, image: Source) -> StoredStyle:
        """Store a picture as a style with a name that jobs may use; the same again changes nothing.

        Raises ApiError where the name has another picture, and as `files.upload` does.
        """
        body = {"name": name, "image": await self._files.upload(image)}
        return _style_from_json(json_of(await self._transport.send("POST", "/v1/styles", json=body)))

    async def delete(self, name: str) -> None:
        """Delete a stored style; its picture stays among the files. Raises ApiError (404) without one."""
        await self._transport.send("DELETE", f"/v1/styles/{quote(name, safe='')}")

    async def sheet(self, model: str) -> bytes:
        """Return a JPEG that shows all built-in styles of a model, by number."""
        return (
            await self._transport.send("GET", f"/v1/styles/builtin/{quote(model, safe='')}/sheet")
        ).content


class AsyncModelsResource(AsyncResource):
    """The models of one Atelier."""

    async def list(self) -> tuple[Model, ...]:
        """Return the models that jobs may name."""
        page = await self._transport.page("/v1/models")
        with reading("a model"):
            return tuple(
                Model(body["name"], body["type"], body["version"], body.get("title") or "", body)
                for body in page["data"]
            )

    async def versions(self, model: str) -> ModelVersions:
        """Return the versions of a model, with an admin's key how jobs did with each. Raises ApiError."""
        return versions_from_json(json_of(await self._transport.send("GET", versions_path(model))))

    async def roll_out(self, model: str, version: str, share: float) -> Rollout:
        """Give a share of a model's new jobs, above 0 and up to 1, another version than the current one.

        What was accepted keeps its version. Raises ApiError where no worker has it, or it takes less than the
        current one.
        """
        body = {"version": version, "share": share}
        return rollout_from_json(json_of(await self._transport.send("PUT", rollout_path(model), json=body)))

    async def roll_back(self, model: str) -> None:
        """Give all new jobs of a model its current version again. Raises ApiError (404) without a rollout."""
        await self._transport.send("DELETE", rollout_path(model))

    async def limit(self, model: str) -> int | None:
        """Return how many jobs of a model may run at once, over all workers; None for any number."""
        body = json_of(await self._transport.send("GET", _limits(model)))
        with reading("the limits of a model"):
            return None if body["running"] is None else int(body["running"])

    async def set_limit(self, model: str, running: int | None) -> None:
        """Let so many jobs of a model run at once, 1 or more; None for any number. Those that run go on."""
        await self._transport.send("PUT", _limits(model), json={"running": running})

    async def reload(self) -> None:
        """Have every live worker take new model versions into service; they do so within seconds."""
        await self._transport.send("POST", "/v1/models/reload")
