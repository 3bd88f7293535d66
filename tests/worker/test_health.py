import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from worker.health import STALE_SECONDS, HealthWatch, judge, write_health


def test_a_worker_that_makes_progress_is_healthy(tmp_path: Path) -> None:
    write_health(tmp_path / "h", "", ("m",))
    assert judge(tmp_path / "h") == ""


def test_a_worker_without_progress_is_not(tmp_path: Path) -> None:
    file = tmp_path / "h"
    write_health(file, "", ())
    assert "no progress" in judge(file, now=file.stat().st_mtime + STALE_SECONDS + 1)


def test_a_worker_says_why_it_cannot_work(tmp_path: Path) -> None:
    write_health(tmp_path / "h", "the worker is loading its models", ())
    assert judge(tmp_path / "h") == "the worker is loading its models"


def test_by_progress_a_worker_that_waits_for_others_is_alive_and_one_that_stands_still_is_not(
    tmp_path: Path,
) -> None:
    file = tmp_path / "h"
    write_health(file, "the job store cannot be reached", ())
    assert judge(file, progress_only=True) == ""
    command = [sys.executable, "-m", "worker.health", "--file", str(file)]
    statuses = [subprocess.run([*command, *more], check=False).returncode for more in ([], ["--progress"])]
    assert statuses == [1, 0]
    later = file.stat().st_mtime + STALE_SECONDS + 1
    assert "no progress" in judge(file, now=later, progress_only=True)
    assert "no worker" in judge(tmp_path / "absent", progress_only=True)


def test_no_file_or_a_broken_one_is_unhealthy(tmp_path: Path) -> None:
    assert "no worker" in judge(tmp_path / "absent")
    (tmp_path / "h").write_text("{")
    assert "no worker" in judge(tmp_path / "h")


def test_the_command_answers_with_its_exit_status(tmp_path: Path) -> None:
    environ = {**os.environ, "ATELIER_STATE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "worker.health"]
    absent = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (absent.returncode, "unhealthy" in absent.stderr) == (1, True)
    write_health(tmp_path / "worker.health", "", ())
    assert subprocess.run(command, env=environ, check=False).returncode == 0


def test_a_full_disk_stops_no_heartbeat(tmp_path: Path) -> None:
    file = tmp_path / "h"
    write_health(file, "", ())
    os.utime(file, (1, 1))
    (tmp_path / f"h.{os.getpid()}.tmp").mkdir()  # stands in the way as a full disk would
    write_health(file, "", ())
    assert judge(file) == ""


@pytest.mark.parametrize("text", [b"[]", b"{}", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_health_file_is_told_in_a_sentence(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "worker.health"
    path.write_bytes(text)
    assert judge(path).startswith(f"no worker has written {path}: ")


class Clock:
    """Stands still until it is moved."""

    now = 1000.0

    def monotonic(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr("worker.health.time", clock)
    return clock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "worker.health"


def beat(path: Path, *, pid: int = 7, reason: str = "", modified: int) -> None:
    path.write_text(json.dumps({"pid": pid, "reason": reason}), "utf-8")
    os.utime(path, ns=(modified, modified))


def test_a_worker_that_was_ready_and_stands_still_is_stale(path: Path, clock: Clock) -> None:
    watch = HealthWatch(path)
    beat(path, modified=1)
    assert watch.stale_seconds(7) is None
    clock.now += 21
    assert watch.stale_seconds(7) == 21


def test_progress_keeps_it_fresh_whatever_the_time_of_day_says(path: Path, clock: Clock) -> None:
    watch = HealthWatch(path)
    for modified in (5, 3, 9):
        beat(path, modified=modified)
        clock.now += 15
        assert watch.stale_seconds(7) is None


def test_the_file_of_an_earlier_process_says_nothing_about_this_one(path: Path, clock: Clock) -> None:
    watch = HealthWatch(path)
    beat(path, pid=6, modified=1)
    watch.stale_seconds(7)
    clock.now += 60
    assert watch.stale_seconds(7) is None
    assert not watch.has_been_ready(7)


def test_a_worker_that_loads_its_models_is_not_ready(path: Path, clock: Clock) -> None:
    watch = HealthWatch(path)
    beat(path, reason="the worker is loading its models", modified=1)
    watch.stale_seconds(7)
    assert not watch.has_been_ready(7)
