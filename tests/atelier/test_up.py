"""`atelier up` as a process: what stops it before it starts, and what it leaves behind when it dies."""

import json
import os
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import pytest

from atelier import GenerateRequest
from atelier.stack import RunningStack, StackFailed
from atelier.state_lock import StateLock
from atelier.up_record import UpRecord, read_record, remove_record, write_record
from tests.atelier.test_supervisor import is_alive
from tests.support.waiting import eventually


def run_up(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "atelier", "up", "--state-dir", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_two_on_one_folder_get_a_clear_message(tmp_path: Path) -> None:
    StateLock(tmp_path).take()
    answer = run_up(tmp_path, "--port", "0")
    assert answer.returncode == 1
    assert f"another `atelier up` (process {os.getpid()}) uses {tmp_path}" in answer.stderr


def test_a_port_in_use_gets_a_clear_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run_up(tmp_path, "--port", str(port))
    assert answer.returncode == 1
    assert answer.stderr == (
        f"error: port {port} on 127.0.0.1 is in use; stop what listens there, or choose another with --port\n"
    )


def test_a_wrong_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WORKER_THREADS", "none")
    answer = run_up(tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.startswith("error: ATELIER_WORKER_THREADS: ")


def test_a_stack_that_cannot_start_tells_why(tmp_path: Path) -> None:
    with pytest.raises(StackFailed, match="ATELIER_WORKER_THREADS"):
        RunningStack(tmp_path, environ={"ATELIER_WORKER_THREADS": "none"}).start()


def test_the_record_of_a_running_installation_comes_back(tmp_path: Path) -> None:
    record = UpRecord(1, "http://127.0.0.1:1", "unix:///x", processes={"api": 2})
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    remove_record(tmp_path)
    assert read_record(tmp_path) is None


@pytest.mark.slow
@pytest.mark.tensorflow
def test_nothing_outlives_an_installation_and_what_it_accepted_stays(tmp_path: Path) -> None:
    stack = RunningStack(tmp_path)
    with stack, stack.client() as client:
        job = client.wait(client.submit(GenerateRequest(seed=7)), timeout_seconds=60)
        assert sorted(stack.processes()) == ["api", "redis", "worker", "worker-io"]
        record = read_record(tmp_path)
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        pids = record.processes.values()
        eventually(lambda: not any(is_alive(pid) for pid in pids), seconds=10)
        eventually(lambda: not answers(record.url), seconds=10)
    with stack, stack.client() as client:
        assert [output.sha256 for output in client.get(job).outputs] == [job.outputs[0].sha256]
    assert json.loads((tmp_path / "worker.health").read_text("utf-8"))["reason"] != ""


def answers(url: str) -> bool:
    """Whether anything takes connections there."""
    try:
        httpx.get(f"{url}/healthz", timeout=2)
    except httpx.TransportError:
        return False
    return True
