"""What a tool answers: how a job stands, in words and as data, a small preview, and links to pictures."""

import asyncio
import base64
from io import BytesIO

from mcp_types import CallToolResult, ContentBlock, ImageContent, ResourceLink, TextContent
from PIL import Image
from pydantic import BaseModel

from atelier.client.aio.client import AsyncClient
from atelier.client.errors import ClientError
from atelier.client.job import Job, Output

PREVIEW_SIDE = 384  # pixels
PREVIEW_SECONDS = 8.0  # for fetching the picture: the answer must not wait for it
MOST_PREVIEW_BYTES = 16 * 1024 * 1024
MOST_PREVIEW_PIXELS = 40_000_000
MOST_LINKS = 16


class PictureView(BaseModel):
    """A picture that a job made."""

    url: str
    width: int
    height: int
    content_type: str


class JobView(BaseModel):
    """How a job stands."""

    job: str  # its id
    status: str
    done: bool
    fraction: float | None = None  # of a running job, 0 to 1
    pictures: list[PictureView] = []
    next: str  # what to do now


async def answer(client: AsyncClient, job: Job) -> CallToolResult:
    """Return how a job stands, with its pictures where it has succeeded."""
    pictures = [_view(output) for output in job.outputs]
    fraction = job.progress.fraction if job.progress else None
    view = JobView(
        job=job.id,
        status=job.status,
        done=job.done,
        fraction=fraction,
        pictures=pictures,
        next=next_step(job),
    )
    content: list[ContentBlock] = [TextContent(text="\n".join((_said(job), view.next)))]
    content += await _preview(client, job) if job.succeeded else []
    content += [_link(output) for output in job.outputs[:MOST_LINKS]]
    failed = job.status in ("failed", "expired")
    return CallToolResult(content=content, structured_content=view.model_dump(), is_error=failed)


def _said(job: Job) -> str:
    if job.error:
        return f"The job {job.id} {job.status}: {job.error.detail}"
    if job.progress and not job.done:
        return f"The job {job.id} is {job.status}, {job.progress.fraction:.0%} done."
    place = f", number {job.queue.position} in the queue" if job.queue and job.queue.position else ""
    count = f" and made {len(job.outputs)} picture(s)" if job.succeeded else ""
    return f"The job {job.id} is {job.status}{place}{count}."


def next_step(job: Job) -> str:
    """Return what a program does now that a job stands so."""
    if not job.done:
        return f"Call `wait` with the job {job.id}; `cancel` stops it."
    if job.succeeded:
        return "The links lead to the pictures in full size."
    return "Call the tool again with other arguments." if job.error else "Nothing more comes of it."


def _view(output: Output) -> PictureView:
    return PictureView(
        url=output.url, width=output.width, height=output.height, content_type=output.content_type
    )


def _link(output: Output) -> ResourceLink:
    name = f"picture {output.index}, {output.width} x {output.height} pixels"
    return ResourceLink(name=name, uri=output.url, mime_type=output.content_type, size=output.bytes)


async def _preview(client: AsyncClient, job: Job) -> list[ContentBlock]:
    """Return the first picture in small; nothing where it is too large or does not come in time."""
    output = job.outputs[0]
    if output.bytes > MOST_PREVIEW_BYTES or output.width * output.height > MOST_PREVIEW_PIXELS:
        return []
    try:
        async with asyncio.timeout(PREVIEW_SECONDS):
            data = await asyncio.to_thread(thumbnail, await client.jobs.download(job))
    except (ClientError, OSError, TimeoutError):
        return []
    return [ImageContent(data=base64.b64encode(data).decode(), mime_type="image/jpeg")]


def thumbnail(data: bytes) -> bytes:
    """Return a picture as a small JPEG; of an animation the first one. Raises OSError."""
    with Image.open(BytesIO(data)) as image:
        image.draft("RGB", (PREVIEW_SIDE, PREVIEW_SIDE))
        small = image.convert("RGB")
    small.thumbnail((PREVIEW_SIDE, PREVIEW_SIDE))
    buffer = BytesIO()
    small.save(buffer, "JPEG", quality=80)
    return buffer.getvalue()
