"""Notices that people read: an event in a few words, in the form that ntfy, Discord or Slack takes.

Only what is sent is made here: the sender posts it by the guarded client, as it does the events for programs.
Apprise, which knows many more services, opens its connections itself, past the guard: so it is not used.
"""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from shared.actions.views import ActionView
from shared.batches.views import BatchView
from shared.jobs.views import JobView
from shared.logs import plain
from shared.webhooks.delivery import Event

MOST_TITLE, MOST_TEXT = 200, 1000  # characters; ntfy takes 4096 bytes of text, Discord 256 and 4096
MOST_FAILURES = 3  # codes that are named
GOOD, BAD, NEUTRAL = "good", "bad", "neutral"
_TONES = {"completed": GOOD, "succeeded": GOOD, "failed": BAD, "expired": BAD, "paused": BAD}
_COLORS = {GOOD: 0x2E9E5B, BAD: 0xC93C37, NEUTRAL: 0x7A7A7A}
_TAGS = {GOOD: "white_check_mark", BAD: "warning", NEUTRAL: "information_source"}
_NTFY_PRIORITIES = {GOOD: 3, BAD: 4, NEUTRAL: 3}  # 3 is its default
_MARKDOWN = re.compile(r"([\\`*_~|<>\[\]()#:@-])")


@dataclass(frozen=True, slots=True)
class Notice:
    """An event in words. No part holds control characters."""

    title: str
    text: str
    link: str  # where its pictures are; "" where there are none
    tone: str


def notice_of(event: Event) -> Notice:
    """Return an event in words."""
    happened = event.type.partition(".")[2]
    data = event.data
    if isinstance(data, BatchView):
        title, lines, link = f"{data.name or data.id}: {happened}", _of_batch(data), _sheet(data)
    elif isinstance(data, ActionView):
        title, lines, link = f"bulk {data.do}: {happened}", _of_action(data), ""
    else:
        title, lines, link = f"{data.type}: {happened}", _of_job(data), _first_picture(data)
    text = "\n".join(plain(line) for line in lines)
    return Notice(plain(title)[:MOST_TITLE], text[:MOST_TEXT], link, _TONES.get(happened, NEUTRAL))


def _of_batch(batch: BatchView) -> Iterator[str]:
    counts = batch.counts
    rest = ((counts.failed, "failed"), (counts.expired, "expired"), (counts.canceled, "canceled"))
    parts = [f"{counts.succeeded} of {counts.total} succeeded", *(f"{n} {word}" for n, word in rest if n)]
    yield ", ".join(parts)
    for failure in batch.failures[:MOST_FAILURES]:
        yield f"{failure.count} x {failure.code}: {failure.hint}"
    if batch.stopped_by == "sample":
        yield "Its sample is made: look at it, then resume or cancel."
    elif batch.stopped_by:
        yield "It paused by itself, as too much went wrong: resume or retry what failed."
    if batch.name:
        yield batch.id


def _of_action(action: ActionView) -> Iterator[str]:
    skipped, refused = sum(action.skipped.values()), sum(action.failed.values())
    rest = ((skipped, "skipped"), (refused, "refused"))
    yield ", ".join(
        [f"{action.succeeded} of {action.matched} jobs", *(f"{n} {word}" for n, word in rest if n)]
    )
    yield action.id


def _of_job(job: JobView) -> Iterator[str]:
    count = len(job.outputs)
    if count:
        yield f"{count} {'picture' if count == 1 else 'pictures'} by {job.model.name}"
    if job.error:
        yield job.error.detail
    yield from (f"{name}: {text}" for name, text in job.metadata.items())
    yield job.id


def _sheet(batch: BatchView) -> str:
    return str(batch.urls.contact_sheet) if batch.counts.succeeded else ""


def _first_picture(job: JobView) -> str:
    return str(job.outputs[0].url) if job.outputs else ""


def notice_request(template: str, url: str, event: Event) -> tuple[str, bytes]:
    """Return the address and the body of the POST that tells people of an event, for a webhook's address."""
    where, body = FORMS[template](url, notice_of(event))
    return where, json.dumps(body).encode()


def _ntfy(url: str, notice: Notice) -> tuple[str, dict[str, Any]]:
    """Publish as JSON, which goes to the root of the server and takes any character in a title."""
    parts = urlsplit(url)
    root, _, topic = parts.path.rpartition("/")
    body: dict[str, Any] = {"topic": topic, "title": notice.title, "message": notice.text}
    body |= {"priority": _NTFY_PRIORITIES[notice.tone], "tags": [_TAGS[notice.tone]]}
    return parts._replace(path=f"{root}/").geturl(), body | ({"click": notice.link} if notice.link else {})


def _discord(url: str, notice: Notice) -> tuple[str, dict[str, Any]]:
    text = _MARKDOWN.sub(r"\\\1", notice.text)
    lines = [text, *([f"<{notice.link}>"] if notice.link else [])]
    embed = {"title": _MARKDOWN.sub(r"\\\1", notice.title)[:256], "description": "\n".join(lines)}
    return url, {"embeds": [embed | {"color": _COLORS[notice.tone]}], "allowed_mentions": {"parse": []}}


def _slack(url: str, notice: Notice) -> tuple[str, dict[str, Any]]:
    lines = [notice.title, notice.text, *([notice.link] if notice.link else [])]
    text = "\n".join(lines).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return url, {"text": text, "mrkdwn": False}


FORMS: Mapping[str, Callable[[str, Notice], tuple[str, dict[str, Any]]]] = {
    "ntfy": _ntfy,
    "discord": _discord,
    "slack": _slack,
}
