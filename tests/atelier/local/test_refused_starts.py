"""Settings that cannot work stop every process and command at once, with one sentence and status 78."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from atelier.local.redis_server import SERVER_FOLDER, EmbeddedServer
from atelier.local.up import Up
from atelier.supervisor.process_log import ProcessLog
from atelier.supervisor.supervisor import Shutdown
from shared.redis.client import Client, connect
from shared.settings import Settings, SettingsError
from shared.storage.base import INSTALLATION
from tests.support.servers.binaries import usable
from tests.support.servers.sentinels import free_ports
from tests.support.servers.single import running_server

UP = ("atelier", "up", "--port", "0")
STARTS = {
    "api": ("gunicorn", "-c", "python:api.gunicorn_conf", "-b", "127.0.0.1:0"),
    "worker": ("worker",),
    "io worker": ("worker", "--queues", "io"),
    "up": UP,
    "gc": ("atelier", "gc"),
}
COMMANDS = {
    "api": STARTS["api"],
    "watched worker": ("worker.watch", "--file", "worker.health"),
    "up": UP,
    "jobs": ("atelier", "jobs", "list"),
    "models": ("atelier", "models", "list"),
}


def run(module: str, *arguments: str, folder: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    variables = {**os.environ, "ATELIER_STATE_DIR": str(folder / "state"), **environ}
    variables["PYTHONPATH"] = str(Path.cwd())
    command = [sys.executable, "-m", module, *arguments]
    return subprocess.run(
        command, cwd=folder, env=variables, capture_output=True, text=True, timeout=100, check=False
    )


def assert_refused(answer: subprocess.CompletedProcess[str], name: str) -> None:
    lines = (answer.stdout + answer.stderr).strip().splitlines()
    lines = [line for line in lines if "TensorFlow is loaded" not in line]
    assert answer.returncode == 78, lines
    assert len(lines) == 1, lines
    assert name in lines[0]


@pytest.mark.parametrize("start", STARTS)
def test_a_storage_that_cannot_be_written_stops_the_start(
    server: EmbeddedServer, tmp_path: Path, start: str
) -> None:
    (tmp_path / "file").touch()
    storage = (tmp_path / "file" / "storage").as_uri()
    server_url = {} if start == "up" else {"REDIS_URL": server.url}
    answer = run(*STARTS[start], folder=tmp_path, ATELIER_STORAGE_URL=storage, **server_url)
    assert_refused(answer, f"ATELIER_STORAGE_URL: {storage} cannot be written: Not a directory")
    assert not (tmp_path / "state" / "redis").exists()


@pytest.mark.parametrize("start", ["api", "worker", "io worker"])
def test_a_storage_that_goes_with_another_job_store_stops_each_process(
    server: EmbeddedServer, redis_client: Client, tmp_path: Path, start: str
) -> None:
    """As Compose and Kubernetes start them, without a command of Atelier's that looks before."""
    redis_client.set("atelier:storage", "of the others")
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / INSTALLATION).write_text("mine", "ascii")
    storage = (tmp_path / "storage").as_uri()
    answer = run(*STARTS[start], folder=tmp_path, ATELIER_STORAGE_URL=storage, REDIS_URL=server.url)
    assert_refused(answer, f"ATELIER_STORAGE_URL: {storage} is not the storage that goes with the job store")


def test_up_refuses_another_storage_for_its_own_server_before_it_starts_more(tmp_path: Path) -> None:
    with EmbeddedServer(tmp_path / "state" / SERVER_FOLDER) as server, connect(server.url) as client:
        client.set("atelier:storage", "of before")
    (tmp_path / "storage").mkdir()
    (tmp_path / "storage" / INSTALLATION).write_text("another", "ascii")
    storage = (tmp_path / "storage").as_uri()
    answer = run(*UP, folder=tmp_path, ATELIER_STORAGE_URL=storage, REDIS_URL="")
    assert answer.returncode == 78
    assert f"ATELIER_STORAGE_URL: {storage} is not the storage" in answer.stdout + answer.stderr
    assert "\napi " not in answer.stdout + answer.stderr, "no other process has started"


@pytest.mark.parametrize("command", COMMANDS)
def test_a_wrong_setting_stops_every_command(tmp_path: Path, command: str) -> None:
    answer = run(*COMMANDS[command], folder=tmp_path, ATELIER_STORAGE_URL="/srv/pictures")
    assert_refused(answer, "ATELIER_STORAGE_URL: give a URL such as file:///srv/pictures")


def test_a_state_folder_that_cannot_be_written_stops_the_start(tmp_path: Path) -> None:
    (tmp_path / "state").touch()
    storage = (tmp_path / "storage").as_uri()
    answer = run(*UP, folder=tmp_path, ATELIER_STORAGE_URL=storage)
    assert_refused(answer, f"ATELIER_STATE_DIR: {tmp_path / 'state'} cannot be written: ")


def test_a_model_store_that_cannot_be_written_stops_a_pull(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    models = tmp_path / "file" / "models"
    answer = run("atelier", "models", "pull", "mnist-dcgan", folder=tmp_path, ATELIER_MODELS_DIR=str(models))
    assert_refused(answer, f"ATELIER_MODELS_DIR: {models} cannot be written: Not a directory")


def test_up_says_what_it_waits_for_and_ends_with_the_setting_of_the_server(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://:secret@127.0.0.1:1/0")
    monkeypatch.setattr("atelier.local.up.START_SECONDS", 0.3)
    up = Up(up_settings(tmp_path), shutdown=Shutdown(), log=ProcessLog())
    with pytest.raises(SettingsError, match=r"^REDIS_URL: redis://127\.0\.0\.1:1/0 does not answer"):
        up.run(workers=1, strict=False)
    output = capsys.readouterr().out
    assert "waiting for the server that REDIS_URL names, redis://127.0.0.1:1/0" in output
    assert "secret" not in output


def test_up_does_not_wait_for_ever_for_a_server_that_refuses_it(
    server: EmbeddedServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REDIS_URL", f"{server.url}?db=99")
    monkeypatch.setattr("atelier.local.up.START_SECONDS", 0.3)
    shutdown = Shutdown()
    timer = threading.Timer(10, shutdown.requested.set)
    timer.start()
    try:
        with pytest.raises(SettingsError, match=r"^REDIS_URL: .* does not answer: .*DB index"):
            Up(up_settings(tmp_path), shutdown=shutdown, log=ProcessLog()).run(workers=1, strict=False)
    finally:
        timer.cancel()


def up_settings(folder: Path) -> Settings:
    given = Settings.from_env()
    return given.model_copy(
        update={"state_dir": folder / "state", "api": given.api.model_copy(update={"port": 0})}
    )


@pytest.mark.parametrize("name", ["ATELIER_CARDS_DIR", "ATELIER_MODELS_DIR"])
def test_up_refuses_a_folder_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    answer = run(*UP, folder=tmp_path, **{name: "/proc/x"})
    assert_refused(answer, f"{name}: /proc/x ")
    assert not (tmp_path / "state" / "redis").exists()


@pytest.mark.parametrize("start", ["api", "worker"])
def test_each_process_refuses_a_folder_of_cards_that_is_not_there(
    server: EmbeddedServer, tmp_path: Path, start: str
) -> None:
    environ = {"REDIS_URL": server.url, "ATELIER_CARDS_DIR": "/nonexistent"}
    answer = run(*STARTS[start], folder=tmp_path, **environ)
    assert_refused(answer, "ATELIER_CARDS_DIR: /nonexistent cannot be read: No such file or directory")


@pytest.mark.parametrize("start", ["api", "io worker", "up"])
def test_each_process_refuses_a_server_in_cluster_mode(tmp_path: Path, start: str) -> None:
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_ports(1)[0]))
    with running_server(usable()[-1], tmp_path, *options) as url:
        answer = run(*STARTS[start], folder=tmp_path, REDIS_URL=url)
    said = (answer.stdout + answer.stderr).strip().splitlines()
    assert answer.returncode == 78, said
    assert "REDIS_URL names a server in cluster mode, which Atelier does not use" in said[-1]


def test_a_worker_refuses_a_model_store_that_cannot_be_made(server: EmbeddedServer, tmp_path: Path) -> None:
    answer = run(*STARTS["worker"], folder=tmp_path, REDIS_URL=server.url, ATELIER_MODELS_DIR="/proc/x")
    assert_refused(answer, "ATELIER_MODELS_DIR: /proc/x ")


@pytest.mark.parametrize("name", ["ATELIER_CARDS_DIR", "ATELIER_MODELS_DIR"])
def test_doctor_names_a_folder_that_cannot_be_used(tmp_path: Path, name: str) -> None:
    answer = run("atelier", "doctor", folder=tmp_path, **{name: "/proc/x"})
    assert answer.returncode == 1
    assert f"{name}: /proc/x " in answer.stdout


@pytest.mark.parametrize("name", ["ATELIER_URL", "ATELIER_API_PUBLIC_URL"])
@pytest.mark.parametrize("url", ["foo", "ftp://example.org", "http://", "http://host:port"])
def test_an_address_of_no_use_is_refused_by_its_setting(
    monkeypatch: pytest.MonkeyPatch, name: str, url: str
) -> None:
    monkeypatch.setenv(name, url)
    with pytest.raises(SettingsError, match=f"^{name}: give an address such as http"):
        Settings.from_env()


def test_a_pull_names_the_model_store_that_cannot_be_made(tmp_path: Path) -> None:
    pull = ("atelier", "models", "pull", "mnist-dcgan")
    assert_refused(run(*pull, folder=tmp_path, ATELIER_MODELS_DIR="/proc/x"), "ATELIER_MODELS_DIR: /proc/x ")


EXPOSED = {
    "up": (*UP, "--host", "0.0.0.0"),
    "api by setting": ("gunicorn", "-c", "python:api.gunicorn_conf"),
    "api by option": ("gunicorn", "-c", "python:api.gunicorn_conf", "-b", "0.0.0.0:0"),
}


@pytest.mark.parametrize("start", EXPOSED)
def test_beyond_this_machine_nothing_starts_without_a_key(
    server: EmbeddedServer, tmp_path: Path, start: str
) -> None:
    host = {"ATELIER_API_HOST": "0.0.0.0", "ATELIER_API_PORT": "0"} if start == "api by setting" else {}
    answer = run(*EXPOSED[start], folder=tmp_path, REDIS_URL=server.url, **host)
    text = answer.stdout + answer.stderr
    assert answer.returncode == 78, text
    assert "atelier keys create" in text
    assert "ATELIER_ACCESS_BOOTSTRAP_KEY_FILE" in text
