"""What receivers of webhooks are told."""

from typing import Literal

from pydantic import Field

from shared.batches.views import BatchView
from shared.jobs.views import JobView, Time, View

JOB_EVENT_TEXT = "The job as `GET /v1/jobs/{id}` shows it, at the moment of sending."


class JobEvent(View):
    """An event of a job."""

    type: Literal["job.started", "job.succeeded", "job.failed", "job.canceled", "job.expired"]
    timestamp: Time = Field(description="When it happened.")
    data: JobView = Field(description=JOB_EVENT_TEXT)


class BatchEvent(View):
    """An event of a batch."""

    type: Literal["batch.completed", "batch.canceled"]
    timestamp: Time = Field(description="When it happened.")
    data: BatchView = Field(description="The batch as `GET /v1/batches/{id}` shows it, when it is sent.")
