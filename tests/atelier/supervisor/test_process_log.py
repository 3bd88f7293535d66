"""The log of an installation: text or JSON on the screen, JSON in files, begun again when they are full."""

import io
import json
import stat
from pathlib import Path

import pytest

from atelier.supervisor.process_log import LOG_FILE, OLDER_FILES, LogFile, ProcessLog

HEAD = '{"ts": 1764000000.5, "level": "INFO", "logger": "atelier.api", "msg": "answered"'
EVENT = HEAD + ', "n": 1, "pid": 7, "job_id": "j"}'


def kept(folder: Path) -> list[dict[str, object]]:
    return [json.loads(line) for line in (folder / LOG_FILE).read_text("utf-8").splitlines()]


def test_events_are_shown_as_text_and_kept_as_json(tmp_path: Path) -> None:
    stream = io.StringIO()
    log = ProcessLog(stream)
    with log.kept_in(tmp_path):
        log.line("api", EVENT)
        log.line("redis", "1:M Ready")
        log.say("stopping")
    log.say("not kept")
    api, redis, own, _ = stream.getvalue().splitlines()
    assert api.startswith("api       | ")
    assert api.endswith(".500 INFO    atelier.api: answered n=1")
    assert redis == "redis     | 1:M Ready"
    assert own.endswith(" stopping")
    first, second, third = kept(tmp_path)
    assert (first["process"], first["msg"], first["job_id"]) == ("api", "answered", "j")
    assert (second["process"], second["msg"]) == ("redis", "1:M Ready")
    assert (third["process"], third["msg"], third["logger"]) == ("atelier", "stopping", "atelier.up")


def test_json_on_the_screen_is_one_object_a_line_without_a_prefix() -> None:
    stream = io.StringIO()
    log = ProcessLog(stream, as_json=True)
    log.line("api", EVENT)
    log.line("redis", "1:M Ready \x1b[2J")
    log.say("stopping")
    told = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [event["process"] for event in told] == ["api", "redis", "atelier"]
    assert all("ts" in event for event in told)
    assert "\x1b" not in stream.getvalue()


def test_a_file_that_is_full_gives_way_to_a_new_one_and_all_are_private(tmp_path: Path) -> None:
    file = LogFile(tmp_path / "logs", most_bytes=1000)
    for number in range(200):
        file.line(f"{number:04d} {'x' * 94}")
    file.close()
    files = sorted((tmp_path / "logs").iterdir())
    assert [path.name for path in files] == [
        LOG_FILE,
        *(f"{LOG_FILE}.{n}" for n in range(1, OLDER_FILES + 1)),
    ]
    assert all(path.stat().st_size <= 1000 for path in files)
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    assert files[0].read_text("utf-8").splitlines()[-1].startswith("0199 ")


def test_a_file_that_cannot_be_written_silences_the_log_alone(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    file = LogFile(tmp_path / "logs", most_bytes=100)
    (tmp_path / "logs" / f"{LOG_FILE}.1").mkdir()
    (tmp_path / "logs" / f"{LOG_FILE}.1" / "a").touch()  # so nothing can be renamed to it
    for number in range(10):
        file.line(f"{number} {'x' * 90}")
    file.close()
    assert capfd.readouterr().err == ""


def test_an_installation_runs_without_a_log_that_cannot_be_kept(tmp_path: Path) -> None:
    (tmp_path / "logs").touch()
    stream = io.StringIO()
    log = ProcessLog(stream)
    with log.kept_in(tmp_path / "logs"):
        log.say("goes on")
    first, second = stream.getvalue().splitlines()
    assert "WARNING: no log is kept: " in first
    assert second.endswith(" goes on")
