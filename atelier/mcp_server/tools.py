"""The tools: `stylize`, `generate`, `wait`, `cancel`, `jobs`, `styles`."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from typing import Annotated, Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult
from pydantic import BaseModel, Field

from atelier.client.aio.client import AsyncClient
from atelier.client.job import Job, Status
from atelier.client.requests import GenerateRequest, StylizeRequest
from atelier.mcp_server.answers import JobView, answer
from atelier.mcp_server.door import Door
from atelier.mcp_server.sources import picture_of, style_of
from atelier.mcp_server.waiting import DEFAULT_SECONDS, MOST_SECONDS, followed

MOST_STYLES = 8
MOST_PICTURES = 64
MOST_LISTED = 50

Call = Context[Any, Any]
Answer = Annotated[CallToolResult, JobView]
PICTURE = (
    "a whole path on the server's machine, the id of an uploaded file (file_...), an http address, or "
    "job:ID, what another job makes"
)
Picture = Annotated[str, Field(description=f"{PICTURE}. Never the bytes of a picture.")]
JobId = Annotated[str, Field(description="The job's id (job_...), as another tool answered it.")]
Seconds = Annotated[
    float, Field(ge=0, le=MOST_SECONDS, description="How long to wait for the picture in this call.")
]
Model = Annotated[str | None, Field(description="The model; none takes the service's own.")]


class Listed(BaseModel):
    """One job of a list."""

    job: str
    type: str
    status: str
    created_at: str | None
    pictures: list[str]  # addresses


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[Listed]


class BuiltinView(BaseModel):
    """The styles that a model has of its own: their names, by number from 0 on."""

    model: str
    names: list[str]
    sheet_url: str | None  # a picture of all of them


class StyleList(BaseModel):
    """All styles that `stylize` may be given."""

    stored: list[str]
    builtin: list[BuiltinView]


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
        styles: Annotated[
            list[str],
            Field(
                min_length=1,
                max_length=MOST_STYLES,
                description="The name of a stored style, the number of a built-in one (`styles` lists both), "
                f"or a picture: {PICTURE}. Several are mixed in equal parts.",
            ),
        ],
        strength: Annotated[
            float | None, Field(ge=0, le=1, description="0 gives back the content, 1 the full style.")
        ] = None,
        max_side: Annotated[
            int | None,
            Field(ge=16, description="The longest side of the result in pixels; none keeps the size."),
        ] = None,
        preserve_color: Annotated[bool, Field(description="Keep the colors of the content.")] = False,
        mask: Annotated[str | None, Field(description=f"White is painted, black stays; {PICTURE}.")] = None,
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
                model=model,
            )
            return await followed(context, client, await client.jobs.create(request), wait_seconds)

    async def generate(
        self,
        context: Call,
        digit: Annotated[int | None, Field(ge=0, le=9, description="Which digit; none draws it.")] = None,
        digits: Annotated[
            str | None, Field(max_length=64, description="Digits to write out in one picture, such as 2026.")
        ] = None,
        seed: Annotated[int | None, Field(ge=0, description="The same seed gives the same picture.")] = None,
        count: Annotated[int, Field(ge=1, le=MOST_PICTURES, description="How many pictures.")] = 1,
        truncation: Annotated[
            float | None, Field(gt=0, description="Below 1 clearer and more alike, above 1 more various.")
        ] = None,
        model: Model = None,
        wait_seconds: Seconds = DEFAULT_SECONDS,
    ) -> Answer:
        """Draw handwritten digits with a generator network (a GAN).

        Answers the job's id, and when it is done in time, a small preview of the first picture and a link to
        each. When it is not done, call `wait` with the id.
        """
        async with self._client(context) as client:
            request = GenerateRequest(
                digit=digit, digits=digits, seed=seed, count=count, truncation=truncation, model=model
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
            listed: list[Listed] = []
            async for job in found:
                listed.append(_listed(job))
                if len(listed) == limit:
                    break
            return JobList(jobs=listed)

    async def styles(self, context: Call) -> StyleList:
        """List the styles that `stylize` may be given by name or by number, and the models that have them."""
        async with self._client(context) as client:
            found = await client.styles.list()
        builtin = [
            BuiltinView(model=entry.model, names=list(entry.names), sheet_url=entry.sheet_url)
            for entry in found.builtin
        ]
        return StyleList(stored=[style.name for style in found.stored], builtin=builtin)


def _listed(job: Job) -> Listed:
    created = job.created_at.isoformat() if job.created_at else None
    pictures: Sequence[str] = [output.url for output in job.outputs]
    return Listed(job=job.id, type=job.type, status=job.status, created_at=created, pictures=list(pictures))
