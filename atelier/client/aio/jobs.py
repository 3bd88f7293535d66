"""Made from atelier/client/jobs.py by `make async-client`: change that file, not this one."""

from collections import deque
from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any, Unpack
from urllib.parse import quote

from atelier.client.aio.downloads import AsyncPicture
from atelier.client.aio.events import states, watch
from atelier.client.aio.files import AsyncFilesResource
from atelier.client.aio.transport import AsyncResource, AsyncTransport
from atelier.client.batch import DRY_RUN, Estimate, estimate_from_json
from atelier.client.downloads import check_digest, path_of
from atelier.client.errors import ApiError, ServiceUnreachable, reading
from atelier.client.events import Event, OnProgress, WaitTimeout
from atelier.client.files import Source
from atelier.client.job import Job, JobFailed, JobType, Status, job_from_json
from atelier.client.jobs import MOST_IDS, JobFilters, _id, _path, _texts
from atelier.client.recipes.again import FormValue, form_of
from atelier.client.request_parts import Lane, QueueEnd, Style, move_body, to_plain
from atelier.client.requests import Request
from atelier.client.responses import json_of
from atelier.client.transport import idempotency_header


class AsyncJobsResource(AsyncResource):
    """The jobs of one Atelier. Every `job` may be its id."""

    def __init__(self, transport: AsyncTransport, files: AsyncFilesResource) -> None:
        super().__init__(transport)
        self._files = files

    async def create(
        self, request: Request | Mapping[str, Any], *, idempotency_key: str | None = None
    ) -> Job:
        """Create a job. Sent again after a lost response, under one key, it makes one job.

        Raises ApiError with every fault by field, and InvalidValue for what JSON does not have.
        """
        body = to_plain(request) if isinstance(request, Mapping) else request.to_json()
        return await self._posted("/v1/jobs", json=body, headers=idempotency_header(idempotency_key))

    async def again(
        self,
        picture: str | Path | bytes,
        *,
        content: Source | None = None,
        styles: Sequence[Style | Source] = (),
        options: Mapping[str, FormValue] | None = None,
        idempotency_key: str | None = None,
    ) -> Job:
        """Create a job by the recipe in a picture that Atelier made: the same style and settings.

        `picture` may also be what `recipe_of` has made of one, as JSON. `content` is the photo to paint now,
        which a stylization needs; `styles` go in the place of the recipe's. `options` are further fields of
        the form, which go over the recipe's: {"seed": 7}, {"strength": 0.5, "format": "webp"} ...

        Raises ApiError where the picture has no recipe, or one that cannot be used.
        """
        form = form_of(
            picture,
            None if content is None else await self._files.upload(content),
            [
                style if isinstance(style, Style) else Style(image=await self._files.upload(style))
                for style in styles
            ],
            options or {},
        )
        return await self._posted("/v1/jobs/again", files=form, headers=idempotency_header(idempotency_key))

    async def estimate(self, request: Request | Mapping[str, Any]) -> Estimate:
        """Return what a job would make and take, and what would refuse it; nothing is stored."""
        body = to_plain(request) if isinstance(request, Mapping) else request.to_json()
        found = await self._transport.send("POST", "/v1/jobs", params=DRY_RUN, json=body)
        return estimate_from_json(json_of(found))

    async def get(self, job: Job | str) -> Job:
        """Return a job as it is now; raise ApiError (404, 410) where there is none."""
        return job_from_json(json_of(await self._transport.send("GET", _path(job))))

    async def read(self, jobs: Iterable[Job | str]) -> dict[str, Job]:
        """Return many jobs as they are now, by id, without their places in the queue; 500 a request.

        What is no job, or not any more, is left out.
        """
        return {entry["id"]: job_from_json(entry) async for entry in self._read(jobs, None)}

    async def statuses(self, jobs: Iterable[Job | str]) -> dict[str, Status]:
        """Return the statuses of many jobs by id, 500 a request; what is no job is left out."""
        return {entry["id"]: entry["status"] async for entry in self._read(jobs, ["id", "status"])}

    async def _read(
        self, jobs: Iterable[Job | str], fields: Sequence[str] | None
    ) -> AsyncGenerator[Any, None]:
        left = deque(map(_id, jobs))
        while left:
            asked = [left.popleft() for _ in range(min(MOST_IDS, len(left)))]
            body = {"ids": asked, **({"fields": fields} if fields else {})}
            found = json_of(await self._transport.send("POST", "/v1/jobs:read", json=body))
            with reading("jobs"):
                for entry in found["data"]:
                    yield entry
                left.extendleft(reversed(found["unread"]))

    def list(self, **filters: Unpack[JobFilters]) -> AsyncGenerator[Job, None]:
        """Yield jobs, newest first, page by page. The filters are the keys of JobFilters.

        Without `items`, items of batches are among them where `status` is "failed" or "expired".
        """
        return self._transport.entries("/v1/jobs", job_from_json, _texts(filters))

    def list_fields(
        self, fields: Iterable[str], **filters: Unpack[JobFilters]
    ) -> AsyncGenerator[Mapping[str, Any], None]:
        """Yield jobs as `list` does, and only these fields of each, as JSON has them: cheap for pollers.

        Raises ApiError where a job has no such field.
        """
        return self._transport.light_entries("/v1/jobs", fields, _texts(filters))

    def upcoming(self, *, type: JobType | None = None, model: str | None = None) -> AsyncGenerator[Job, None]:
        """Yield the jobs that wait, next first, page by page: those of the lane interactive, then bulk.

        Items of batches, and what waits for a time of its own or for an equal job, are not among them.
        """
        return self._transport.entries("/v1/queue", job_from_json, _texts({"type": type, "model": model}))

    async def unlisted_items(self, *, status: Status | None = None) -> int:
        """Return how many items of batches have a status: what `list(items=False)` leaves out."""
        query = {**({"status": status} if status else {}), "items": False, "limit": 1}
        page = json_of(await self._transport.send("GET", "/v1/jobs", params=query))
        with reading("a list of jobs"):
            return int(page["unlisted_items"])

    async def wait(
        self, job: Job | str, *, timeout_seconds: float | None = None, on_progress: OnProgress | None = None
    ) -> Job:
        """Return the job when it is done, however it ended; raise WaitTimeout, with the job as last seen.

        `on_progress` gets the job at every change. A service that restarts meanwhile is waited for: raises
        ServiceUnreachable after two minutes without a response where no time was given.
        """
        found = None
        async with aclosing(
            self._states(job, timeout_seconds, every_change=on_progress is not None)
        ) as stream:
            async for found in stream:
                if on_progress is not None:
                    on_progress(found)
        if found is None or not found.done:
            known = None if isinstance(job, str) else job
            raise WaitTimeout(_id(job), job=found or known)
        return found

    async def _states(
        self, job: Job | str, timeout_seconds: float | None, *, every_change: bool
    ) -> AsyncGenerator[Job, None]:
        options: Any = {"timeout_seconds": timeout_seconds, "every_change": every_change}
        try:
            async with aclosing(states(self._transport, _path(job), job_from_json, **options)) as stream:
                async for entry in stream:
                    yield entry
        except ServiceUnreachable as error:
            if error.absent:
                raise
            message = f"{error}; the job {_id(job)} was not done when the service last answered"
            raise ServiceUnreachable(message, job_id=_id(job)) from error

    def events(self, job: Job | str, *, after: str = "") -> AsyncGenerator[Event, None]:
        """Yield a job's events from the first, or from the one after `after`, to the last.

        A stream that breaks is resumed; raises ServiceUnreachable after two minutes without a
        response.
        """
        return watch(self._transport, f"{_path(job)}/events", after=after)

    async def cancel(self, job: Job | str) -> Job:
        """Withdraw a queued or running job."""
        return await self._posted(f"{_path(job)}/cancel")

    async def requeue(self, job: Job | str) -> Job:
        """Start a job again: a running one is taken from its worker, a queued one stops pausing."""
        return await self._posted(f"{_path(job)}/requeue")

    async def move(self, job: Job | str, *, to: QueueEnd | None = None, lane: Lane | None = None) -> Job:
        """Move a waiting job to the "front" or "back" of its owner's queue, into another lane, or both.

        Raises ApiError (409) where it does not wait by itself, as an item of a batch.
        """
        return await self._posted(f"{_path(job)}/move", json=move_body(to, lane))

    async def move_of_owner(
        self, owner: str, job: Job | str, *, to: QueueEnd | None = None, lane: Lane | None = None
    ) -> None:
        """Move a waiting job of another owner in that owner's queue; for admins."""
        path = f"/v1/owners/{quote(owner, safe='')}/jobs/{quote(_id(job), safe='')}/move"
        await self._transport.send("POST", path, json=move_body(to, lane))

    async def retry(self, job: Job | str, *, idempotency_key: str | None = None) -> Job:
        """Create a job again that failed, was canceled or expired; return the new job, with equal seeds.

        An item of a batch keeps its place in the batch.
        """
        return await self._posted(f"{_path(job)}/retry", headers=idempotency_header(idempotency_key))

    async def pin(self, job: Job | str) -> Job:
        """Keep a job and its pictures until it is unpinned or deleted."""
        return await self._posted(f"{_path(job)}/pin")

    async def unpin(self, job: Job | str) -> Job:
        """Let a job expire again: if it is done, its time to live begins now."""
        return await self._posted(f"{_path(job)}/unpin")

    async def delete(self, job: Job | str) -> None:
        """Delete a finished job and its pictures."""
        await self._transport.send("DELETE", _path(job))

    async def download(self, job: Job | str, index: int = 0) -> bytes:
        """Return the bytes of one output; raise JobFailed where the job made none.

        Raises ProtocolError where the bytes differ from the output's sha256.
        """
        job = await self._succeeded(job)
        output = job.outputs[index]
        return check_digest(await self._transport.fetch(path_of(job.id, output)), output)

    async def pictures(self, job: Job | str) -> tuple[AsyncPicture, ...]:
        """Return every output of a job with its bytes; raise as `download` does."""
        job = await self._succeeded(job)
        return tuple(
            [AsyncPicture(job, output, await self.download(job, i)) for i, output in enumerate(job.outputs)]
        )

    async def preview(self, job: Job | str) -> bytes | None:
        """Return the latest preview of a running job; None where it has none now."""
        try:
            return (await self._transport.send("GET", f"{_path(job)}/preview")).content
        except ApiError as error:
            if error.code in ("preview_unavailable", "object_not_found"):
                return None
            raise

    async def _posted(self, path: str, **parts: Any) -> Job:
        return job_from_json(json_of(await self._transport.send("POST", path, **parts)))

    async def _succeeded(self, job: Job | str) -> Job:
        found = await self.get(job) if isinstance(job, str) else job
        if not found.succeeded:
            raise JobFailed(found)
        return found
