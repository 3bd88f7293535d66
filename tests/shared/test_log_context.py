"""What lines in JSON tell of their context; lines of text leave it out."""

import json
import logging
import threading

import pytest

from shared import logs as module
from shared.logs import (
    JsonFormatter,
    TextFormatter,
    add_log_context,
    begin_log_context,
    event_of,
    log_context,
    say_in_each_line,
    text_lines,
)


def record(message: str = "m", **fields: object) -> logging.LogRecord:
    return logging.makeLogRecord({"name": "atelier.a", "levelname": "INFO", "msg": message, **fields})


def line(**fields: object) -> dict[str, object]:
    told: dict[str, object] = json.loads(JsonFormatter().format(record(**fields)))
    return told


@pytest.fixture(autouse=True)
def _fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_of_process", {})
    begin_log_context()


def test_lines_in_a_block_tell_its_fields_and_those_of_the_process() -> None:
    say_in_each_line(worker="w1")
    with log_context(job_id="job_1", batch_id=None, owner=""):
        with log_context(attempt=2):
            inner = line(code="x")
        outer = line()
    after = line()
    assert (inner["job_id"], inner["attempt"], inner["worker"], inner["code"]) == ("job_1", 2, "w1", "x")
    assert {"batch_id", "owner"} & set(inner) == set()
    assert (outer["job_id"], "attempt" in outer, "job_id" in after) == ("job_1", False, False)


def test_a_line_says_its_own_where_its_context_says_something_else() -> None:
    with log_context(job_id="job_1"):
        assert line(job_id="job_2")["job_id"] == "job_2"


def test_each_thread_has_a_context_of_its_own() -> None:
    add_log_context(job_id="job_1")
    told: list[dict[str, object]] = []
    other = threading.Thread(target=lambda: told.append(line()))
    other.start()
    other.join()
    assert "job_id" not in told[0]


def test_text_made_of_json_is_what_the_text_format_writes() -> None:
    def fail() -> logging.LogRecord:
        try:
            raise ValueError("two\nlines \x1b[2J")
        except ValueError as error:
            return record("it failed", exc_info=(ValueError, error, error.__traceback__), path="a=b", n=1.5)

    with log_context(job_id="job_1", trace_id="t"):
        for each in (record("hello\nworld", jobs=["a"], none=None), fail()):
            event = event_of(JsonFormatter().format(each))
            assert event is not None
            assert "\n".join(text_lines(event)) == TextFormatter().format(each)
            assert "job_1" not in TextFormatter().format(each)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "plain",
        "{}",
        '{"ts": ',
        '{"ts": "a", "level": "INFO", "logger": "a", "msg": "m"}',
        '{"ts": NaN, "level": "INFO", "logger": "a", "msg": "m"}',
        '{"ts": 1, "level": "INFO", "logger": "a"}',
        '{"ts": 1, "level": 3, "logger": "a", "msg": "m"}',
        '{"ts": ' + "[" * 100_000,
    ],
)
def test_what_is_no_event_is_known_as_none(text: str) -> None:
    assert event_of(text) is None


def test_a_line_stays_short_enough_to_be_read_as_one() -> None:
    whole = JsonFormatter().format(record("\U0001f5bc" * 100_000, detail="x" * 100_000))
    assert len(whole) < 65_536
    assert event_of(whole) is not None
