"""What one call tells of a job while it waits, and when the time is over."""

import asyncio
from typing import Any

from atelier.client.events import WaitTimeout
from atelier.client.job import Job, Progress
from atelier.mcp_server.waiting import ProgressReport, followed

QUEUED = Job(id="job_1", type="generate", status="queued", input={})


def running(fraction: float) -> Job:
    return Job("job_1", "generate", "running", {}, progress=Progress(fraction, "predict"))


class Caller:
    """A context that notes what it is told."""

    def __init__(self) -> None:
        self.told: list[float] = []

    async def report_progress(self, progress: float, total: float, message: str) -> None:
        self.told.append(progress)


class LateService:
    """A client whose job is not done in time; it was seen to run."""

    async def wait(self, job: Job, **_: Any) -> Job:
        raise WaitTimeout(job.id, job=running(0.6))

    @property
    def jobs(self) -> "LateService":
        return self


def test_progress_only_grows_though_a_job_begins_anew() -> None:
    caller = Caller()

    async def report() -> None:
        take: Any = ProgressReport(caller)  # type: ignore[arg-type]
        for job in (QUEUED, running(0.5), QUEUED, running(0.25), running(0.5), running(0.75)):
            take(job)
        await take.sent()

    asyncio.run(report())
    assert caller.told == [0, 50, 75]


def test_a_job_that_is_not_done_in_time_is_told_as_it_was_last_seen() -> None:
    caller, service = Caller(), LateService()
    answer = asyncio.run(followed(caller, service, QUEUED, 0))  # type: ignore[arg-type]
    told = answer.structured_content
    assert told is not None
    assert (told["job"], told["status"], told["fraction"]) == ("job_1", "running", 0.6)
