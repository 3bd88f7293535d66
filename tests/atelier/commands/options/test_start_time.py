"""`--not-before`: which time an option means, and that every command which submits sends it."""

from datetime import UTC, datetime, timedelta

import click
import pytest

from atelier.client.request_parts import to_plain
from atelier.client.requests import GenerateRequest
from atelier.commands.options.times import StartTime
from tests.support.commands import leaves

COMMANDS = dict(leaves())


def read(text: str) -> datetime:
    return StartTime().convert(text, None, None)


def test_a_length_of_time_counts_from_now() -> None:
    assert abs(read("8h") - datetime.now(UTC) - timedelta(hours=8)) < timedelta(minutes=1)


def test_a_time_with_its_zone_is_that_time() -> None:
    assert read("2026-12-01T01:00:00+02:00") == datetime(2026, 11, 30, 23, tzinfo=UTC)


def test_a_time_without_zone_is_of_this_machines_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    naive = datetime(2026, 12, 1, 1)
    assert read("2026-12-01 01:00") == naive.astimezone()


@pytest.mark.parametrize("text", ["tomorrow", "", "8y", "25:00", "0h", "-1h"])
def test_what_is_no_time_is_refused(text: str) -> None:
    with pytest.raises(click.BadParameter, match="no time"):
        read(text)


@pytest.mark.parametrize("name", ["generate", "stylize", "transform", "batch"])
def test_every_command_that_submits_takes_it(name: str) -> None:
    (option,) = (param for param in COMMANDS[name].params if param.name == "not_before")
    assert isinstance(option.type, StartTime)


def test_a_request_sends_it_with_its_zone() -> None:
    at = datetime(2026, 12, 1, 1, tzinfo=UTC)
    assert GenerateRequest(not_before=at).to_json()["not_before"] == "2026-12-01T01:00:00+00:00"
    assert to_plain({"not_before": at}) == {"not_before": "2026-12-01T01:00:00+00:00"}
