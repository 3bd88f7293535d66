"""The tools: `stylize`, `transform`, `generate`, `again`, `wait`, `cancel`, `jobs`, `styles`."""

from contextlib import AbstractAsyncContextManager, aclosing
from typing import Annotated

from pydantic import Field

from atelier.client.aio.client import AsyncClient
from atelier.client.job import Status
from atelier.client.request_parts import Encoding
from atelier.client.requests import GenerateRequest, StylizeRequest, TransformRequest
from atelier.mcp_server.answers import answer
from atelier.mcp_server.arguments import (
    MOST_LISTED,
    MOST_PICTURES,
    PICTURE,
    Answer,
    Call,
    Enlarge,
    JobId,
    Made,
    MaxSide,
    Metadata,
    Model,
    Picture,
    Profile,
    Seconds,
    Seed,
    Strength,
    Styles,
)
from atelier.mcp_server.door import Door
from atelier.mcp_server.listings import BuiltinView, JobList, Listed, StyleList, listed
from atelier.mcp_server.sources import picture_of, recipe_of, style_of
from atelier.mcp_server.waiting import DEFAULT_SECONDS, followed


class Tools:
    """The tools, over one service."""

    def __init__(self, door: Door) -> None:
        self._door = door

    def _client(self, context: Call) -> AbstractAsyncContextManager[AsyncClient]:
        return self._door.client(context.headers)

    async def stylize(
        self,
        context: Call,
        content: Picture,
        styles: Styles,
        strength: Strength = None,
        max_side: MaxSide = None,
        preserve_color: Annotated[bool, Field(description="Keep the colors of the content.")] = False,
        mask: Annotated[str | None, Field(description=f"White is painted, black stays; {PICTURE}.")] = None,
        profile: Profile = None,
        metadata: Metadata = None,
        enlarge: Enlarge = None,
        model: Model = None,
        wait_seconds: Seconds = DEFAULT_SECONDS,
    ) -> Answer:
        """Paint a photo in the manner of one or several styles.

        Answers the job's id, and when it is done in time, a small preview and a link to the picture. When it
        is not done, call `wait` with the id.
        """
        folders = self._door.folders
        async with self._client(context) as client:
            request = StylizeRequest(
                content=await picture_of(client, content, folders),
                styles=[await style_of(client, style, folders) for style in styles],
                mask=None if mask is None else await picture_of(client, mask, folders),
                strength=strength,
                max_side=max_side,
                preserve_color=preserve_color,
                output=Encoding(profile=profile, metadata=metadata, enlarge=enlarge),
                model=model,
            )
            return await followed(context, client, await client.jobs.create(request), wait_seconds)

    async def transform(
        self,
        context: Call,
        content: Picture,
        model: Annotated[
            str, Field(description="enlarge-x2, -x3, -x4 or -x4plus (for photos), old-photo, or one's own.")
        ],
        max_side: MaxSide = None,
        profile: Profile = None,
        metadata: Metadata = None,
        wait_seconds: Seconds = DEFAULT_SECONDS,
    ) -> Answer:
        """Send a picture through a network from picture to picture: enlarge it, or make an old photo of it.

        Answers as `stylize` does. A model that no worker has is refused, with how it is brought in.
        """
        async with self._client(context) as client:
            request = TransformRequest(
                content=await picture_of(client, content, self._door.folders),
                max_side=max_side,
                output=Encoding(profile=profile, metadata=metadata),
                model=model,
            )
            return await followed(context, client, await client.jobs.create(request), wait_seconds)

    async def again(
        self,
        context: Call,
        picture: Made,
        content: Annotated[
            str | None, Field(description=f"The photo to paint in the same way, for a painting; {PICTURE}.")
        ] = None,
        strength: Strength = None,
        seed: Seed = None,
        wait_seconds: Seconds = DEFAULT_SECONDS,
    ) -> Answer:
        """Do again what a picture says that was done: its style and settings for another photo.

        What is given goes over what the picture says. Answers as `stylize` does.
        """
        folders = self._door.folders
        options = {
            name: value for name, value in (("strength", strength), ("seed", seed)) if value is not None
        }
        async with self._client(context) as client:
            made = await recipe_of(client, picture, folders)
            photo = None if content is None else await picture_of(client, content, folders)
            job = await client.jobs.again(made, content=photo, options=options)
            return await followed(context, client, job, wait_seconds)

    async def generate(
        self,
        context: Call,
        digit: Annotated[int | None, Field(ge=0, le=9, description="Which digit; none draws it.")] = None,
        digits: Annotated[
            str | None, Field(max_length=64, description="Digits to write out in one picture, such as 2026.")
        ] = None,
        seed: Seed = None,
        count: Annotated[int, Field(ge=1, le=MOST_PICTURES, description="How many pictures.")] = 1,
        truncation: Annotated[
            float | None, Field(gt=0, description="Below 1 clearer and more alike, above 1 more various.")
        ] = None,
        enlarge: Enlarge = None,
        model: Model = None,
        wait_seconds: Seconds = DEFAULT_SECONDS,
    ) -> Answer:
        """Draw handwritten digits with a generator network (a GAN).

        Answers the job's id, and when it is done in time, a small preview of the first picture and a link to
        each. When it is not done, call `wait` with the id.
        """
        async with self._client(context) as client:
            request = GenerateRequest(
                digit=digit,
                digits=digits,
                seed=seed,
                count=count,
                truncation=truncation,
                output=Encoding(enlarge=enlarge),
                model=model,
            )
            return await followed(context, client, await client.jobs.create(request), wait_seconds)

    async def wait(self, context: Call, job: JobId, seconds: Seconds = DEFAULT_SECONDS) -> Answer:
        """Wait until a job is done, for some seconds, and answer how it stands; call it again if need be."""
        async with self._client(context) as client:
            return await followed(context, client, await client.jobs.get(job), seconds)

    async def cancel(self, context: Call, job: JobId) -> Answer:
        """Stop a job that is queued or running."""
        async with self._client(context) as client:
            return await answer(client, await client.jobs.cancel(job))

    async def jobs(
        self,
        context: Call,
        status: Annotated[Status | None, Field(description="Only those that stand so.")] = None,
        limit: Annotated[int, Field(ge=1, le=MOST_LISTED, description="How many at most.")] = 10,
    ) -> JobList:
        """List jobs, newest first, with links to what they made."""
        async with self._client(context) as client, aclosing(client.jobs.list(status=status)) as found:
            shown: list[Listed] = []
            async for job in found:
                shown.append(listed(job))
                if len(shown) == limit:
                    break
            return JobList(jobs=shown)

    async def styles(self, context: Call) -> StyleList:
        """List the styles that `stylize` may be given by name or by number, and the models that have them."""
        async with self._client(context) as client:
            found = await client.styles.list()
        builtin = [
            BuiltinView(model=entry.model, names=list(entry.names), sheet_url=entry.sheet_url)
            for entry in found.builtin
        ]
        return StyleList(stored=[style.name for style in found.stored], builtin=builtin)
