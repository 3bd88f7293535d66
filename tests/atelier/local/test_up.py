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
import redis

from atelier import GenerateRequest
from atelier.local import missing_models as local_models
from atelier.local.aof_repair import newest_file
from atelier.local.missing_models import missing_models
from atelier.local.redis_server import EmbeddedServer, own_server_url
from atelier.local.stack import RunningStack, StackFailed
from atelier.local.state_folder import StateLock, UpRecord, read_record, remove_record, write_record
from shared.cards.card import load_catalog
from shared.settings import Settings
from tests.support.models.light_models import GENERATOR, write_cards
from tests.support.models.model_cards import transform_card
from tests.support.processes import is_alive
from tests.support.waiting import eventually
from worker.models.store import ModelStore


def run_up(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "atelier", "up", "--state-dir", str(folder), *options]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_models_exported_at_the_installation_are_copied_and_not_pulled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    card, exports = load_catalog().get("mnist-dcgan"), ModelStore(tmp_path / "exports")
    exports.pull(card)
    monkeypatch.setattr(local_models, "prebuilt_store", lambda: exports)
    settings = Settings(state_dir=tmp_path / "state")

    assert missing_models(settings) == ["magenta-mobile"]
    assert ModelStore(settings.models).verify(card).manifest.name == "mnist-dcgan"


def test_two_on_one_folder_get_a_clear_message(tmp_path: Path) -> None:
    StateLock(tmp_path).take("atelier up")
    answer = run_up(tmp_path, "--port", "0")
    assert answer.returncode == 1
    assert f"`atelier up` (process {os.getpid()}) uses {tmp_path}" in answer.stderr


def test_a_port_in_use_gets_a_clear_message(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        answer = run_up(tmp_path, "--port", str(port))
    assert answer.returncode == 1
    assert answer.stderr.splitlines() == [
        f"error: port {port} on 127.0.0.1 is in use",
        "stop what listens there, or take another address with --host and --port",
    ]


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The journal that a server left in the state folder."""
    with EmbeddedServer(tmp_path / "redis") as server, redis.Redis.from_url(server.url) as client:
        for number in range(100):
            client.set(f"key:{number}", "value")
    path = newest_file(tmp_path / "redis")
    assert path is not None
    return path


def test_a_damaged_journal_stops_the_start_with_what_to_do(tmp_path: Path, journal: Path) -> None:
    with journal.open("r+b") as file:
        file.seek(journal.stat().st_size // 2)
        file.write(b"x" * 20)
    answer = run_up(tmp_path, "--port", "0")
    assert answer.returncode == 1
    assert f"the journal {journal} is damaged" in answer.stdout
    assert "atelier restore BACKUP" in answer.stdout


def test_a_torn_journal_is_told_and_the_start_goes_on(tmp_path: Path, journal: Path) -> None:
    os.truncate(journal, journal.stat().st_size - 3)
    command = [sys.executable, "-m", "atelier", "up", "--state-dir", str(tmp_path), "--port", "0", "--strict"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as up:
        try:
            assert up.stdout is not None
            line = next(line for line in up.stdout if "ended within an entry" in line)
            assert "bytes were cut away" in line
            assert next(line for line in up.stdout if "the job store answers" in line)
            with redis.Redis.from_url(own_server_url(tmp_path)) as client:
                assert client.dbsize() == 99
                assert client.config_get("appendfsync") == {"appendfsync": "always"}
        finally:
            up.terminate()


def test_a_wrong_setting_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ATELIER_WORKER_THREADS", "none")
    answer = run_up(tmp_path)
    assert answer.returncode == 78
    assert answer.stderr == 'error: ATELIER_WORKER_THREADS must be a whole number; got "none"\n'


def test_a_stack_that_cannot_start_tells_why(tmp_path: Path) -> None:
    with pytest.raises(StackFailed, match="ATELIER_WORKER_THREADS"):
        RunningStack(tmp_path, environ={"ATELIER_WORKER_THREADS": "none"}).start()


def test_the_record_of_a_running_installation_comes_back(tmp_path: Path) -> None:
    record = UpRecord(1, "http://127.0.0.1:1", "unix:///x", processes={"api": 2})
    write_record(tmp_path, record)
    assert read_record(tmp_path) == record
    remove_record(tmp_path)
    assert read_record(tmp_path) is None


@pytest.mark.parametrize("text", ["[]", "{", '{"pid": "", "url": 5, "redis_url": null}', "[" * 100_000])
def test_a_record_that_is_none_says_that_nothing_runs(tmp_path: Path, text: str) -> None:
    (tmp_path / "up.json").write_text(text)
    assert read_record(tmp_path) is None


@pytest.mark.slow
@pytest.mark.tensorflow
def test_nothing_outlives_an_installation_and_what_it_accepted_stays(tmp_path: Path) -> None:
    stack = RunningStack(tmp_path)
    with stack, stack.client() as client:
        job = client.jobs.wait(client.jobs.create(GenerateRequest(seed=7)), timeout_seconds=60)
        assert sorted(stack.processes()) == ["api", "redis", "worker", "worker-io"]
        record = read_record(tmp_path)
        assert record is not None
        os.kill(record.pid, signal.SIGKILL)
        pids = record.processes.values()
        eventually(lambda: not any(is_alive(pid) for pid in pids), seconds=10)
        eventually(lambda: not answers(record.url), seconds=10)
    with stack, stack.client() as client:
        assert [output.sha256 for output in client.jobs.get(job).outputs] == [job.outputs[0].sha256]
    assert json.loads((tmp_path / "worker.health").read_text("utf-8"))["reason"] != ""


def answers(url: str) -> bool:
    """Whether anything takes connections there."""
    try:
        httpx.get(f"{url}/healthz", timeout=2)
    except httpx.TransportError:
        return False
    return True


BAD_CARDS = {
    "half.json": '{"name": "half"}',
    "gone.json": transform_card(Path("/nowhere"), name="gone", default=True, preload=True).model_dump_json(),
}


@pytest.mark.slow
def test_bad_cards_and_a_default_model_that_was_not_pulled_leave_an_installation_at_work(
    tmp_path: Path,
) -> None:
    cards = tmp_path / "cards"
    write_cards(cards)
    (cards / "saved_model.pb").touch()  # the stand-ins' cards name this folder
    for name, text in BAD_CARDS.items():
        (cards / name).write_text(text)
    stand_ins = (sys.executable, "-m", "tests.reliability.light")
    with RunningStack(tmp_path, wrap={"worker": stand_ins}) as stack, stack.client() as client:
        job = client.jobs.create({"type": "generate", "model": GENERATOR, "seed": 7})
        assert client.jobs.wait(job, timeout_seconds=60).succeeded
        listed = httpx.get(f"{stack.url}/v1/models").json()
        assert [(fault["name"], fault["field"]) for fault in listed["unavailable"]] == [("half", "kind")]
        processes = stack.processes()
        (cards / "later.json").write_bytes(b"\xff" * 99)
        stack.kill("worker")
        eventually(lambda: stack.processes().get("worker") not in (None, processes["worker"]), seconds=30)
        eventually(lambda: httpx.get(f"{stack.url}/readyz").status_code == 200, seconds=100)
        eventually(lambda: f"path={cards / 'later.json'}" in stack.log_text(), seconds=100)
        assert stack.processes()["api"] == processes["api"]
        text = stack.log_text()
    assert "gone could not be pulled; starting without" in text
    assert f"path={cards / 'half.json'}" in text
    assert "Traceback" not in text
