"""Settings that cannot work stop every process and command at once, with one sentence and status 78."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from atelier.embedded_server import EmbeddedServer

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
