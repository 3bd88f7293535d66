"""Webhooks: the part of a specification that names the receiver of events, and its form in the record.

One with a template is a notice for people. Its address is a secret (anyone who has it can write there), so it
stays in the record of the webhook, and no specification that is kept or shown has it.
"""

import json
import re
from collections.abc import Sequence
from typing import Any, Literal, get_args
from urllib.parse import urlsplit

from pydantic import Field, ValidationInfo, field_validator

from shared.network.url import MAX_URL, fault_of_url, port_of
from shared.specs.parts import Part

NoticeTemplate = Literal["ntfy", "discord", "slack", "mail"]
MAIL = "mail"
# No % and no !, by which old servers of mail send on to others.
_MAILTO = re.compile(r"mailto:[A-Za-z0-9_+='.-]{1,64}@[A-Za-z0-9][A-Za-z0-9.-]{0,251}[A-Za-z0-9]")
# The end of a notice's path, by its template, and how one looks; Slack's form is spoken at many other paths.
_PATHS: dict[str, tuple[str, str]] = {
    "ntfy": (r"/[-_A-Za-z0-9]{1,64}", "a topic, as https://ntfy.sh/TOPIC does"),
    "discord": (
        r"/api(/v\d{1,2})?/webhooks/\d+/[-\w]+",
        "the path of a webhook, as https://discord.com/api/webhooks/ID/TOKEN does",
    ),
}

EventType = Literal["job.started", "job.succeeded", "job.failed", "job.canceled", "job.expired"]
BatchEventType = Literal["batch.completed", "batch.failed", "batch.canceled", "batch.paused"]
ActionEventType = Literal["action.completed", "action.canceled"]
EVENTS: tuple[EventType, ...] = get_args(EventType)
NOTICE_TEMPLATES: tuple[NoticeTemplate, ...] = get_args(NoticeTemplate)
ENDINGS: tuple[EventType, ...] = EVENTS[1:]
EVENT_BODY = "event"
BATCH_EVENTS: tuple[BatchEventType, ...] = get_args(BatchEventType)
ACTION_EVENTS: tuple[ActionEventType, ...] = get_args(ActionEventType)


class Receiver(Part):
    """An address that is told of events by POST, signed as Standard Webhooks has it."""

    template: NoticeTemplate | None = Field(
        default=None,
        exclude_if=lambda template: template is None,  # older versions read such records too
        description="Write to people instead, in the form that the address takes: of ntfy, of Discord, or of "
        "Slack, Mattermost and others that speak it; or by `mail` to a mailto: address, where the operator "
        "has set that up. The address is not shown again then.",
    )
    url: str = Field(
        max_length=MAX_URL,
        description="The address, which begins with http:// or https:// and holds no credentials; with "
        "mailto: where the template is mail.",
    )

    @field_validator("url")
    @classmethod
    def _is_an_address(cls, url: str, info: ValidationInfo) -> str:
        fault = fault_of_receiver(url, info.data.get("template"))
        if fault:
            raise ValueError(f"webhook.url {fault}")
        return url

    @property
    def is_notice(self) -> bool:
        """Whether it is written to as people read it, so that its address is a secret."""
        return self.template is not None

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
    # Not in the record's specification, which older workers read, but beside the address in the record.
    body: Literal["event", "prediction"] = Field(
        default="event",
        exclude=True,
        description="What is told: an event with the job, or the job as clients of Replicate read it. With a "
        "template, the event alone.",
    )

    @field_validator("body")
    @classmethod
    def _suits_the_template(cls, body: str, info: ValidationInfo) -> str:
        if body != EVENT_BODY and info.data.get("template"):
            raise ValueError("webhook.body must be event where a template is named")
        return body

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


def fault_of_receiver(url: str, template: str | None) -> str:
    """Return what is wrong with an address as such, or as that of a notice; "" where nothing is."""
    if template == MAIL:
        return "" if _MAILTO.fullmatch(url) else "must be one address, such as mailto:ada@example.org"
    fault = fault_of_url(url)
    if fault or template not in _PATHS:
        return fault
    pattern, example = _PATHS[template]
    return "" if re.search(f"{pattern}$", urlsplit(url).path, re.ASCII) else f"must end with {example}"


def shown_url(url: str, template: str | None) -> str:
    """Return an address as it is shown: of a notice the host alone."""
    if template is None:
        return url
    if template == MAIL:
        return f"mailto:...@{recipient_of(url).rpartition('@')[2]}"
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.hostname}/..."


def recipient_of(url: str) -> str:
    """Return the address of mail in a mailto URL without faults."""
    return url.removeprefix("mailto:")


def host_of(url: str) -> str:
    """Return the host and port of an address: deliveries to one wait in one line, and all mails in one."""
    if url.startswith("mailto:"):
        return MAIL
    parts = urlsplit(url)
    return f"{parts.hostname}:{port_of(parts)}"


def webhook_record(webhook: Receiver, *, private: bool, base: str) -> str:
    """Return what a subject's record keeps of its webhook.

    `private` is whether the address may be in a private network, `base` that of the links in what is sent.
    """
    body = getattr(webhook, "body", EVENT_BODY)
    record: dict[str, Any] = {
        "url": webhook.url,
        "host": host_of(webhook.url),
        "events": dict.fromkeys(webhook.wanted, True),
        "private": private,
        "base": base,
        **({} if body == EVENT_BODY else {"body": body}),
        **({"template": webhook.template} if webhook.template else {}),
    }
    return json.dumps(record, separators=(",", ":"))


def notice_in(record: str | None) -> Webhook | None:
    """Return the notice that a job's record keeps, as a request would ask for it; None where it has none."""
    kept = json.loads(record or "{}")
    if not kept.get("template"):
        return None
    return Webhook(template=kept["template"], url=kept["url"], events=list(kept["events"]))
