"""Notices: what people read of an event, and nothing in it that is read as more than text."""

import json
from typing import Any

import pytest

from shared.batches.views import BatchView
from shared.webhooks.delivery import BatchEvent
from worker.webhooks.notices import MOST_TEXT, MOST_TITLE, notice_of, notice_request

NOW = "2026-09-21T14:13:20.000Z"
COUNTS = dict.fromkeys(("total", "queued", "running", "succeeded", "failed", "canceled", "expired"), 0)
ODD = "a <!channel> @everyone [x](http://evil.example) *b*\x1b[31m\nnext"


def event(happened: str, **fields: Any) -> BatchEvent:
    """Return an event of a batch of which only the fields that a notice reads are there."""
    urls = {"contact_sheet": "https://atelier.example/sheet?expires=1&signature=s"}
    known = {"id": "batch_1", "name": "wedding", "failures": [], "stopped_by": None, **fields}
    known["counts"] = {**COUNTS, "total": 3, **fields.get("counts", {})}
    batch = BatchView.model_construct(
        **{**known, "counts": _view("counts", known["counts"]), "urls": _view("urls", urls)}
    )
    return BatchEvent.model_construct(type=f"batch.{happened}", timestamp=NOW, data=batch)


def _view(field: str, values: dict[str, Any]) -> Any:
    annotation: Any = BatchView.model_fields[field].annotation
    return annotation.model_construct(**values)


def test_a_batch_without_a_picture_has_no_link() -> None:
    assert notice_of(event("failed", counts={"failed": 3})).link == ""
    assert notice_of(event("completed", counts={"succeeded": 3})).link.startswith("https://atelier.example/")


@pytest.mark.parametrize(
    ("stopped_by", "words"), [("sample", "Its sample is made"), ("stop_when", "too much went wrong")]
)
def test_a_pause_says_what_to_do(stopped_by: str, words: str) -> None:
    assert words in notice_of(event("paused", stopped_by=stopped_by)).text


def test_a_notice_is_short_and_plain() -> None:
    found = notice_of(event("completed", name=ODD * 100))
    assert (len(found.title), len(found.text) <= MOST_TEXT) == (MOST_TITLE, True)
    assert "\x1b" not in found.title + found.text


def test_slack_reads_no_markup_in_a_name() -> None:
    _, body = notice_request("slack", "https://hooks.slack.com/s", event("completed", name=ODD))
    sent = json.loads(body)
    assert ("<" in sent["text"], "&lt;!channel&gt;" in sent["text"], sent["mrkdwn"]) == (False, True, False)


def test_discord_reads_no_markup_in_a_name_and_calls_nobody() -> None:
    _, body = notice_request("discord", "https://discord.com/x", event("completed", name=ODD))
    sent = json.loads(body)
    assert sent["allowed_mentions"] == {"parse": []}
    assert r"\[x\]\(http\://evil.example\) \*b\*" in sent["embeds"][0]["title"]


@pytest.mark.parametrize(
    ("url", "where"),
    [
        ("https://ntfy.sh/topic", "https://ntfy.sh/"),
        ("https://a.example/push/topic?auth=QmVhcmVy", "https://a.example/push/?auth=QmVhcmVy"),
    ],
)
def test_ntfy_is_asked_at_its_root(url: str, where: str) -> None:
    found, body = notice_request("ntfy", url, event("failed", counts={"failed": 3}))
    sent = json.loads(body)
    assert (found, sent["topic"], sent["priority"], "click" in sent) == (where, "topic", 4, False)
