"""Webhooks: the part of a specification that names the receiver of events, and its form in the record."""

import json
from collections.abc import Sequence
from typing import Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, field_validator

from shared.network.url import MAX_URL, fault_of_url, port_of
from shared.specs.parts import Part

EventType = Literal["job.started", "job.succeeded", "job.failed", "job.canceled", "job.expired"]
BatchEventType = Literal["batch.completed", "batch.failed", "batch.canceled", "batch.paused"]
ActionEventType = Literal["action.completed", "action.canceled"]
EVENTS: tuple[EventType, ...] = get_args(EventType)
ENDINGS: tuple[EventType, ...] = EVENTS[1:]
BATCH_EVENTS: tuple[BatchEventType, ...] = get_args(BatchEventType)
ACTION_EVENTS: tuple[ActionEventType, ...] = get_args(ActionEventType)


class Receiver(Part):
    """An address that is told of events by POST, signed as Standard Webhooks has it."""

    url: str = Field(
        max_length=MAX_URL,
        description="The address, which begins with http:// or https:// and holds no credentials.",
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str) -> str:
        fault = fault_of_url(url)
        if fault:
            raise ValueError(f"webhook.url {fault}")
        return url

    @property
    def wanted(self) -> Sequence[str]:
        """The events that the address gets."""
        raise NotImplementedError


class Webhook(Receiver):
    """An address that is told of a job's events by POST, signed as Standard Webhooks has it."""

    events: list[EventType] | None = Field(
        default=None,
        min_length=1,
        max_length=len(EVENTS),
        description="The events that are told; null tells of every way to end.",
    )

    @property
    def wanted(self) -> Sequence[str]:
        """The events that the address gets."""
        return self.events or ENDINGS


class BatchWebhook(Receiver):
    """An address that is told when a batch is done by POST, signed as Standard Webhooks has it."""

    events: list[BatchEventType] | None = Field(
        default=None,
        min_length=1,
        max_length=len(BATCH_EVENTS),
        description="The events that are told; null tells of all of them.",
    )

    @property
    def wanted(self) -> Sequence[str]:
        """The events that the address gets."""
        return self.events or BATCH_EVENTS


class ActionWebhook(Receiver):
    """An address that is told when a bulk action is over by POST, signed as Standard Webhooks has it."""

    events: list[ActionEventType] | None = Field(
        default=None,
        min_length=1,
        max_length=len(ACTION_EVENTS),
        description="The events that are told; null tells of all of them.",
    )

    @property
    def wanted(self) -> Sequence[str]:
        """The events that the address gets."""
        return self.events or ACTION_EVENTS


def host_of(url: str) -> str:
    """Return the host and port of an address: deliveries to one wait in one line."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{port_of(parts)}"


def webhook_record(webhook: Receiver, *, private: bool, base: str) -> str:
    """Return what a subject's record keeps of its webhook.

    `private` is whether the address may be in a private network, `base` that of the links in what is sent.
    """
    record = {
        "url": webhook.url,
        "host": host_of(webhook.url),
        "events": dict.fromkeys(webhook.wanted, True),
        "private": private,
        "base": base,
    }
    return json.dumps(record, separators=(",", ":"))
