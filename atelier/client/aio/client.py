"""Made from atelier/client/client.py by `make async-client`: change that file, not this one."""

import asyncio
import os
from collections.abc import Mapping, Sequence
from datetime import date
from pathlib import Path
from typing import Self, Unpack

from atelier.client.aio.batches import AsyncBatchesResource
from atelier.client.aio.downloads import AsyncPicture
from atelier.client.aio.events import AsyncEventsResource
from atelier.client.aio.files import AsyncFilesResource
from atelier.client.aio.jobs import AsyncJobsResource
from atelier.client.aio.places.places import AsyncPlacesResource
from atelier.client.aio.queue.actions import AsyncActionsResource
from atelier.client.aio.queue.deliveries import AsyncDeliveriesResource
from atelier.client.aio.queue.pauses import AsyncPausesResource
from atelier.client.aio.queue.workers import AsyncWorkersResource
from atelier.client.aio.quota import read_identity, read_quota, write_quota
from atelier.client.aio.recipes.stored import AsyncRecipesResource
from atelier.client.aio.stats import AsyncStatsResource
from atelier.client.aio.styles import AsyncModelsResource, AsyncStylesResource
from atelier.client.aio.transport import AsyncTransport
from atelier.client.aio.usage import read_usage
from atelier.client.client import DEFAULT_URL, URL_VARIABLE, StyleSource, _credentials, _listed
from atelier.client.events import OnProgress
from atelier.client.files import Source, check_there
from atelier.client.quota import Identity, Limits, Quota
from atelier.client.request_parts import Style
from atelier.client.requests import (
    GenerateOptions,
    GenerateRequest,
    Request,
    StylizeOptions,
    StylizeRequest,
    TransformOptions,
    TransformRequest,
)
from atelier.client.usage import Usage


class AsyncClient:
    """One Atelier, over HTTP: `jobs`, `batches`, `files`, `styles`, `recipes`, `models`, `workers` ...

    Every method may raise ApiError, ServiceUnreachable or ProtocolError. Without a base URL it is the one
    that the environment variable ATELIER_URL names, else DEFAULT_URL; raises InvalidAddress where it is none.
    `timeout_seconds` is for the response to one request, which is sent again up to `retries` times.

    `key` is the API key; without it, what the environment variable ATELIER_API_KEY holds, or the file that
    ATELIER_API_KEY_FILE names. `headers` go with every request. Both are sent to the service's own origin
    alone. `ca` is a file with the certificates of an authority to trust in place of the usual ones.
    Raises InvalidValue where one of these is of no use.
    """

    def __init__(
        self,
        base_url: str | None = None,
        *,
        key: str | None = None,
        headers: Mapping[str, str] | None = None,
        ca: str | Path | None = None,
        timeout_seconds: float = 30.0,
        retries: int = 5,
    ) -> None:
        address = os.environ.get(URL_VARIABLE) or DEFAULT_URL if base_url is None else base_url
        self._transport = AsyncTransport(
            address,
            timeout_seconds=timeout_seconds,
            retries=retries,
            credentials=_credentials(key, headers or {}),
            ca=None if ca is None else str(ca),
        )
        self.base_url = self._transport.base_url
        self.files = AsyncFilesResource(self._transport)
        self.jobs = AsyncJobsResource(self._transport, self.files)
        self.batches = AsyncBatchesResource(self._transport)
        self.styles = AsyncStylesResource(self._transport, self.files)
        self.recipes = AsyncRecipesResource(self._transport)
        self.models = AsyncModelsResource(self._transport)
        self.stats = AsyncStatsResource(self._transport)
        self.events = AsyncEventsResource(self._transport)
        self.pauses = AsyncPausesResource(self._transport)
        self.actions = AsyncActionsResource(self._transport)
        self.workers = AsyncWorkersResource(self._transport)
        self.deliveries = AsyncDeliveriesResource(self._transport)
        self.places = AsyncPlacesResource(self._transport)

    async def stylize(
        self,
        content: Source,
        style: StyleSource | Sequence[StyleSource],
        *,
        mask: Source | None = None,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
        **options: Unpack[StylizeOptions],
    ) -> AsyncPicture:
        """Paint the content in the manner of the style, or of several; raise JobFailed or WaitTimeout.

        Several are mixed in equal parts; `Style` gives each its weight, and names stored styles. The options
        are the fields of StylizeRequest: strength, preserve_color, stroke, upsample, model, output ...
        """
        styles = _listed(style)
        await asyncio.to_thread(check_there, content, mask, *styles)
        request = StylizeRequest(
            content=await self.files.upload(content),
            styles=[await self._style(source) for source in styles],
            mask=None if mask is None else await self.files.upload(mask),
            **options,
        )
        return (await self._pictures_of(request, timeout_seconds, on_progress))[0]

    async def _style(self, source: StyleSource) -> Style:
        if isinstance(source, Style):
            return source
        return (
            Style(number=source) if isinstance(source, int) else Style(image=await self.files.upload(source))
        )

    async def generate(
        self,
        *,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
        **options: Unpack[GenerateOptions],
    ) -> tuple[AsyncPicture, ...]:
        """Make pictures from seeds, latents or a walk between them; raise JobFailed or WaitTimeout.

        The options are the fields of GenerateRequest: seed, count, seeds, latents, interpolate, digit,
        digits, truncation, grid, animation, upscale, model, output ...
        """
        return await self._pictures_of(GenerateRequest(**options), timeout_seconds, on_progress)

    async def transform(
        self,
        content: Source,
        *,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
        **options: Unpack[TransformOptions],
    ) -> AsyncPicture:
        """Send the content through an image-to-image network; raise JobFailed or WaitTimeout.

        The options are the fields of TransformRequest: model, max_side, output ...
        """
        request = TransformRequest(content=await self.files.upload(content), **options)
        return (await self._pictures_of(request, timeout_seconds, on_progress))[0]

    async def _pictures_of(
        self, request: Request, timeout_seconds: float | None, on_progress: OnProgress | None
    ) -> tuple[AsyncPicture, ...]:
        job = await self.jobs.create(request)
        done = await self.jobs.wait(job, timeout_seconds=timeout_seconds, on_progress=on_progress)
        return await self.jobs.pictures(done)

    async def usage(
        self, *, since: date | None = None, until: date | None = None, owner: str | None = None
    ) -> tuple[Usage, ...]:
        """Return what jobs took, by day (UTC), owner, key and model: from `since` to `until`, both included.

        Without these, of 31 days until today. `owner` is another owner, or "*" for all, with an admin's key.
        """
        return tuple([entry async for entry in read_usage(self._transport, since, until, owner)])

    async def identity(self) -> Identity:
        """Return in whose name requests are made, and what they may do: those of this key, or without one."""
        return await read_identity(self._transport)

    async def quota(self, owner: str | None = None) -> Quota:
        """Return what you may have, and what you have; of another owner, with an admin's key."""
        return await read_quota(self._transport, owner)

    async def set_quota(self, owner: str, **limits: Unpack[Limits]) -> Quota:
        """Set what an owner may have, with an admin's key; what is left out is as the settings have it.

        A limit of 0 is none. `weight`, 1 to 100 and by default 1, is how many turns the owner has where one
        of weight 1 has one. Returns what then holds.
        """
        return await write_quota(self._transport, owner, limits)

    async def close(self) -> None:
        """Close every connection."""
        await self._transport.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()
