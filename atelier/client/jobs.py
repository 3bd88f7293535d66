"""What the client does with jobs: ask for them, follow them, fetch what they made."""

import os
import uuid
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import quote

from atelier.client.downloads import check_digest, file_name
from atelier.client.errors import ApiError, JobFailed, reading
from atelier.client.events import Event, watch
from atelier.client.job import Job, JobType, Status, job_from_json
from atelier.client.pictures import Picture
from atelier.client.polling import OnProgress, Waiter
from atelier.client.request_parts import to_plain
from atelier.client.requests import Request
from atelier.client.transport import Transport, json_of

DEFAULT_URL = "http://127.0.0.1:8480"
URL_VARIABLE = "ATELIER_URL"
PAGE_SIZE = 100


class JobClient:
    """Jobs of one Atelier, over HTTP. Every method may raise ApiError or ServiceUnreachable.

    Without a base URL it is the one that the environment variable ATELIER_URL names, else DEFAULT_URL.
    """

    def __init__(
        self, base_url: str | None = None, *, timeout_seconds: float = 30.0, retries: int = 5
    ) -> None:
        address = (os.environ.get(URL_VARIABLE) or DEFAULT_URL) if base_url is None else base_url
        self._transport = Transport(address, timeout_seconds=timeout_seconds, retries=retries)
        self.base_url = self._transport.base_url

    def submit(self, request: Request | Mapping[str, Any], *, idempotency_key: str | None = None) -> Job:
        """Ask for a job. Sent again after a lost answer, under one key, it still makes one job."""
        body = to_plain(request) if isinstance(request, Mapping) else request.to_json()
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return job_from_json(json_of(self._transport.send("POST", "/v1/jobs", json=body, headers=headers)))

    def get(self, job: Job | str) -> Job:
        """Return a job as it is now."""
        return job_from_json(json_of(self._transport.send("GET", _path(job))))

    def wait(
        self,
        job: Job | str,
        *,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> Job:
        """Return the job when it is done, however it ended; raise WaitTimeout, with the job as last seen.

        `on_progress` gets the job at every change. A service that restarts meanwhile is waited for.
        """
        options: dict[str, Any] = {"timeout_seconds": timeout_seconds, "on_progress": on_progress}
        return Waiter(self._transport, job, **options).wait()

    def events(self, job: Job | str, *, after: str = "") -> Iterator[Event]:
        """Yield a job's events from the first, or from the one after `after`, to the last."""
        return watch(self._transport, _id(job), after=after)

    def cancel(self, job: Job | str) -> Job:
        """Withdraw a queued or running job."""
        return job_from_json(json_of(self._transport.send("POST", f"{_path(job)}/cancel")))

    def requeue(self, job: Job | str) -> Job:
        """Start a job over: a running one is taken from its worker, a queued one pauses no longer."""
        return job_from_json(json_of(self._transport.send("POST", f"{_path(job)}/requeue")))

    def retry(self, job: Job | str, *, idempotency_key: str | None = None) -> Job:
        """Ask again for a job that failed, was canceled or expired; return the new job, of equal seeds.

        An item of a batch goes again in its place in the batch.
        """
        headers = {"Idempotency-Key": idempotency_key or uuid.uuid4().hex}
        return job_from_json(json_of(self._transport.send("POST", f"{_path(job)}/retry", headers=headers)))

    def delete(self, job: Job | str) -> None:
        """Forget a finished job and its pictures."""
        self._transport.send("DELETE", _path(job))

    def download(self, job: Job | str, index: int = 0) -> bytes:
        """Return the bytes of one output, checked; raise JobFailed where the job made none."""
        job = self._succeeded(job)
        output = job.outputs[index]
        return check_digest(self._transport.send("GET", output.url).content, output)

    def _succeeded(self, job: Job | str) -> Job:
        found = self.get(job) if isinstance(job, str) else job
        if not found.succeeded:
            raise JobFailed(found)
        return found

    def download_all(self, job: Job | str, folder: str | Path) -> tuple[Path, ...]:
        """Write every output into a folder, each file whole or not at all; return their paths."""
        pictures = self.pictures(job)
        return tuple(
            picture.save(Path(folder) / file_name(picture.job, picture.output)) for picture in pictures
        )

    def pictures(self, job: Job | str) -> tuple[Picture, ...]:
        """Return every output of a job with its bytes; raise JobFailed where it made none."""
        job = self._succeeded(job)
        return tuple(Picture(job, output, self.download(job, i)) for i, output in enumerate(job.outputs))

    def preview(self, job: Job | str) -> bytes | None:
        """Return the latest picture of a running job's work; None where it shows none now."""
        try:
            return self._transport.send("GET", f"{_path(job)}/preview").content
        except ApiError as error:
            if error.code in ("preview_unavailable", "object_not_found"):
                return None
            raise

    def jobs(
        self,
        *,
        status: Status | None = None,
        type: JobType | None = None,
        model: str | None = None,
        code: str | None = None,
        worker: str | None = None,
        items: bool | None = None,
    ) -> Iterator[Job]:
        """Yield jobs, newest first, page by page; `code` is the error's, `worker` the latest that had it.

        `items` says whether items of batches are among them; without it they are where `status` is "failed"
        or "expired".
        """
        filters = {
            "status": status,
            "type": type,
            "model": model,
            "code": code,
            "worker": worker,
            "items": items,
        }
        query: dict[str, Any] = {name: value for name, value in filters.items() if value is not None}
        query["limit"] = PAGE_SIZE
        for page in self._transport.pages("/v1/jobs", query):
            yield from (job_from_json(entry) for entry in page["data"])

    def unlisted_items(self, *, status: Status | None = None) -> int:
        """Return how many items of batches have a status: what `jobs(items=False)` leaves out."""
        filters = {"status": status} if status else {}
        query = {**filters, "items": False, "limit": 1}
        page = json_of(self._transport.send("GET", "/v1/jobs", params=query))
        with reading("a list of jobs"):
            return int(page["unlisted_items"])

    def close(self) -> None:
        """Close every connection."""
        self._transport.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _id(job: Job | str) -> str:
    return job if isinstance(job, str) else job.id


def _path(job: Job | str) -> str:
    return f"/v1/jobs/{quote(_id(job), safe='')}"
