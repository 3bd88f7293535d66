"""A webhook delivery: its record in the store, and the events that receivers get."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from pydantic import Field

from shared.actions.views import ActionView
from shared.batches.views import BatchView
from shared.jobs.views import JobView, Time, View

JOB_EVENT_TEXT = "The job as `GET /v1/jobs/{id}` shows it, at the moment of sending."


class DeliveryStatus(StrEnum):
    """Where a delivery stands."""

    PENDING = "pending"  # waiting for its next try, or in flight
    DELIVERED = "delivered"  # the receiver's response was 2xx
    DISABLED = "disabled"  # the receiver's response was 410: it wants no more deliveries
    FAILED = "failed"  # no try is left


@dataclass(frozen=True, slots=True)
class Try:
    """One POST that was sent, or failed to be sent."""

    at: int  # end time: milliseconds since the epoch by the server's clock
    milliseconds: int  # duration
    status: int | None = None  # of the receiver's response; None if there was no response
    error: str | None = None  # why it counts as failed


@dataclass(frozen=True, slots=True)
class Delivery:
    """An event to be sent to a receiver. Times are milliseconds since the epoch by the server's clock."""

    id: str  # webhook-id: the same at every try
    owner: str
    kind: str  # kind of the subject: "job", "batch" or "action"
    subject: str  # id of the job, batch or bulk action that the event is about
    event: str  # "job.succeeded"
    url: str
    host: str  # with port: deliveries to one host wait in one queue
    private: bool  # whether the API allowed the receiver an address in a private network
    base: str  # base URL of the links in the body
    status: DeliveryStatus
    attempt: int  # fencing token of the latest claim
    tries: int  # tries since it was created, or since the last request to redeliver it
    sequence: int  # order of creation, unique
    created_at: int  # time of the event
    next_at: int | None  # earliest next try while pending
    claimed_at: int | None
    ended_at: int | None
    log: tuple[Try, ...]  # oldest first, the latest 20
    body: str = "event"  # what is sent, as the webhook has it
    template: str | None = None  # of a notice for people; None: the event as JSON, signed
    trace: str = ""  # of the request that made its subject, as text of a TraceContext; "" for none


def delivery_from_record(raw: Mapping[str, str]) -> Delivery:
    """Build a Delivery from the fields of its Redis hash."""
    return Delivery(
        id=raw["id"],
        owner=raw["owner"],
        kind=raw["kind"],
        subject=raw["subject"],
        event=raw["event"],
        url=raw["url"],
        host=raw["host"],
        private=raw["private"] == "1",
        base=raw["base"],
        status=DeliveryStatus(raw["status"]),
        attempt=int(raw["attempt"]),
        tries=int(raw["tries"]),
        sequence=int(raw["sequence"]),
        created_at=int(raw["created_at"]),
        next_at=_time(raw, "next_at"),
        claimed_at=_time(raw, "claimed_at"),
        ended_at=_time(raw, "ended_at"),
        log=tuple(Try(**entry) for entry in json.loads(raw.get("log") or "[]")),
        body=raw.get("body", "event"),
        template=raw.get("template"),
        trace=raw.get("trace", ""),
    )


def _time(raw: Mapping[str, str], name: str) -> int | None:
    return int(raw[name]) if name in raw else None


class JobEvent(View):
    """An event of a job."""

    type: Literal["job.started", "job.succeeded", "job.failed", "job.canceled", "job.expired"]
    timestamp: Time = Field(description="When it happened.")
    data: JobView = Field(description=JOB_EVENT_TEXT)


class BatchEvent(View):
    """An event of a batch."""

    type: Literal["batch.completed", "batch.failed", "batch.canceled", "batch.paused"]
    timestamp: Time = Field(description="When it happened.")
    data: BatchView = Field(description="The batch as `GET /v1/batches/{id}` shows it, when it is sent.")


class ActionEvent(View):
    """An event of a bulk action."""

    type: Literal["action.completed", "action.canceled"]
    timestamp: Time = Field(description="When it happened.")
    data: ActionView = Field(description="The action as `GET /v1/actions/{id}` shows it, when it is sent.")


Event = JobEvent | BatchEvent | ActionEvent
