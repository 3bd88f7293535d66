"""Waiting for a job within one call of a tool: not long, with progress, and never without the job's id."""

import asyncio
from typing import Any

from mcp.server.mcpserver import Context
from mcp_types import CallToolResult

from atelier.client.aio.client import AsyncClient
from atelier.client.events import WaitTimeout
from atelier.client.job import Job
from atelier.mcp_server.answers import answer
from atelier.mcp_server.errors import plain_errors

MOST_SECONDS = 25  # a host may give up a call after 30 s
DEFAULT_SECONDS = 20
LATE_SECONDS = 3.0  # within which the service has to answer after that


class ProgressReport:
    """Tells the caller how far a job is. What is told grows, as the protocol demands."""

    def __init__(self, context: Context[Any, Any]) -> None:
        self._context = context
        self._told = -1.0
        self._sending: list[asyncio.Task[None]] = []

    def __call__(self, job: Job) -> None:
        """Take a job as it is now."""
        percent = 100.0 if job.done else 100 * job.progress.fraction if job.progress else 0.0
        if percent > self._told:
            self._told = percent
            report = self._context.report_progress(percent, 100.0, _message(job))
            self._sending.append(asyncio.create_task(report))

    async def sent(self) -> None:
        """Return when all of it is on its way; that the caller is gone is no fault of the job."""
        await asyncio.gather(*self._sending, return_exceptions=True)


def _message(job: Job) -> str:
    place = f", number {job.queue.position} in the queue" if job.queue and job.queue.position else ""
    return f"{job.status}{place}: {job.progress.stage}" if job.progress else f"{job.status}{place}"


async def followed(
    context: Context[Any, Any], client: AsyncClient, job: Job, seconds: float
) -> CallToolResult:
    """Return how a job stands when it is done, or after some seconds."""
    report = ProgressReport(context)
    with plain_errors(before=f"The job {job.id} goes on; `wait` finds it again. But "):
        try:
            async with asyncio.timeout(seconds + LATE_SECONDS):
                job = await client.jobs.wait(job, timeout_seconds=seconds, on_progress=report)
        except WaitTimeout as late:
            job = late.job or job
        except TimeoutError:
            pass  # the service is slow to answer: the job is told as it was known
        await report.sent()
        return await answer(client, job)
