"""Waiting for a job over a connection that may break, to a service that may restart."""

import time
from collections.abc import Callable
from typing import Any

import httpx

from atelier.client.errors import ApiError, ServiceUnreachable, WaitTimeout
from atelier.client.job import Job, job_from_json
from atelier.client.json_body import check_seconds
from atelier.client.transport import Transport, json_of, may_pass

LONG_POLL_SECONDS = 20.0
LATE_SECONDS = 10.0  # an answer may be later than asked
PATIENCE_SECONDS = 120.0  # with a service that does not answer, where the caller set no limit
PAUSE_SECONDS = 0.25  # before asking again; keeps a service that does not hold the request from being flooded

OnProgress = Callable[[Job], None]


class Waiter:
    """Asks for a job until it is done; tells about every change on the way."""

    def __init__(
        self,
        transport: Transport,
        job: Job | str,
        *,
        timeout_seconds: float | None = None,
        on_progress: OnProgress | None = None,
    ) -> None:
        check_seconds(timeout_seconds, "timeout_seconds")
        now = time.monotonic()
        self._transport = transport
        self._job_id = job if isinstance(job, str) else job.id
        self._seen: Job | None = None if isinstance(job, str) else job  # the job as the service last told it
        self._deadline = None if timeout_seconds is None else now + timeout_seconds
        self._on_progress = on_progress
        self._etag = ""
        self._heard = now

    def wait(self) -> Job:
        """Return the job when it is done; raise WaitTimeout, or ServiceUnreachable when patience ends."""
        while True:
            job = self._ask()
            if job is not None and job.done:
                return job
            if self._remaining() <= 0:
                raise WaitTimeout(self._job_id, job=self._seen)
            if job is None:
                time.sleep(min(PAUSE_SECONDS, self._remaining()))

    def _remaining(self) -> float:
        return float("inf") if self._deadline is None else self._deadline - time.monotonic()

    def _window(self) -> float:
        """Return how long the service may hold the request: at first, for news, not at all."""
        if self._on_progress is not None and not self._etag:
            return 0.0
        return max(0.0, min(LONG_POLL_SECONDS, self._remaining()))

    def _ask(self) -> Job | None:
        """Return the job's news; None where there is none, or no answer now."""
        try:
            response = self._poll(self._window())
        except (ServiceUnreachable, ApiError) as error:
            is_over = self._deadline is None and time.monotonic() - self._heard > PATIENCE_SECONDS
            if may_pass(error) and not is_over:
                return None
            if isinstance(error, ServiceUnreachable) and not error.absent:
                message = f"{error}; the job {self._job_id} was not done when the service last answered"
                raise ServiceUnreachable(message, job_id=self._job_id) from error
            raise
        self._heard = time.monotonic()
        return self._news(response)

    def _poll(self, seconds: float) -> httpx.Response:
        headers: dict[str, str] = {"If-None-Match": self._etag} if self._etag else {}
        options: dict[str, Any] = {"params": {"wait": f"{seconds:.0f}"}, "headers": headers}
        read_seconds = seconds + min(LATE_SECONDS, self._transport.timeout_seconds)
        return self._transport.send(
            "GET", f"/v1/jobs/{self._job_id}", read_seconds=read_seconds, retries=0, **options
        )

    def _news(self, response: httpx.Response) -> Job | None:
        if response.status_code == httpx.codes.NOT_MODIFIED:
            return None
        job = self._seen = job_from_json(json_of(response))
        if self._on_progress is not None:
            self._etag = response.headers.get("ETag", "")  # makes the next answer come with the next change
            self._on_progress(job)
        return job
