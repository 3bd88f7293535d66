import os
import subprocess
import sys
from pathlib import Path

import pytest

from shared.workers.health import STALE_SECONDS, Health, judge, write_health


def test_a_worker_that_makes_progress_is_healthy(tmp_path: Path) -> None:
    write_health(tmp_path / "h", Health.of_this_process("", ("m",)))
    assert judge(tmp_path / "h") == ""


def test_a_worker_without_progress_is_not(tmp_path: Path) -> None:
    file = tmp_path / "h"
    write_health(file, Health.of_this_process("", ()))
    assert "no progress" in judge(file, now=file.stat().st_mtime + STALE_SECONDS + 1)


def test_a_worker_says_why_it_cannot_work(tmp_path: Path) -> None:
    write_health(tmp_path / "h", Health.of_this_process("the worker is loading its models", ()))
    assert judge(tmp_path / "h") == "the worker is loading its models"


def test_no_file_or_a_broken_one_is_unhealthy(tmp_path: Path) -> None:
    assert "no worker" in judge(tmp_path / "absent")
    (tmp_path / "h").write_text("{")
    assert "no worker" in judge(tmp_path / "h")


def test_the_command_answers_with_its_exit_status(tmp_path: Path) -> None:
    environ = {**os.environ, "ATELIER_STATE_DIR": str(tmp_path)}
    command = [sys.executable, "-m", "worker.health"]
    absent = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
    assert (absent.returncode, "unhealthy" in absent.stderr) == (1, True)
    write_health(tmp_path / "worker.health", Health.of_this_process("", ()))
    assert subprocess.run(command, env=environ, check=False).returncode == 0


def test_a_full_disk_stops_no_heartbeat(tmp_path: Path) -> None:
    file = tmp_path / "h"
    write_health(file, Health.of_this_process("", ()))
    os.utime(file, (1, 1))
    (tmp_path / f"h.{os.getpid()}.tmp").mkdir()  # stands in the way as a full disk would
    write_health(file, Health.of_this_process("", ()))
    assert judge(file) == ""


@pytest.mark.parametrize("text", [b"[]", b"{}", b"null", b"\xff\xfe", b"[" * 100_000])
def test_a_file_that_is_no_health_file_is_told_in_a_sentence(tmp_path: Path, text: bytes) -> None:
    path = tmp_path / "worker.health"
    path.write_bytes(text)
    assert judge(path).startswith(f"no worker has written {path}: ")
