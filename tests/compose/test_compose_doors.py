"""What the compose stack lets in and out: networks, the server's password, limits, and API keys."""

import json
import subprocess
from pathlib import Path

import httpx
import pytest

from shared.access.key import KeyText
from tests.support.compose_stack import ComposeStack
from tests.support.pages.pages import ROOT, blocks_of, commands_of
from tests.support.waiting import eventually

pytestmark = [pytest.mark.compose, pytest.mark.timeout(900)]

PING = "$(command -v valkey-cli || command -v redis-cli) ping || true"
FREEZE_THE_YOUNGEST = """
import os, signal
from pathlib import Path
served = [
    int(path.parent.name)
    for path in Path("/proc").glob("[0-9]*/cmdline")
    if path.read_bytes().split(b"\\0")[1].endswith(b"/gunicorn")
]
os.kill(max(served), signal.SIGSTOP)
"""


def status(url: str, key: str = "") -> int:
    """Return the status of a list of jobs; 0 where nobody answers."""
    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        return httpx.get(f"{url}/v1/jobs", headers=headers, timeout=5).status_code
    except httpx.TransportError:
        return 0


def test_the_server_asks_for_its_password(stack: ComposeStack) -> None:
    assert "NOAUTH" in stack.run_in("redis", "sh", "-c", f"{PING} 2>&1")
    asked = f"REDISCLI_AUTH=$(cat /secrets/redis-password) {PING}"
    assert stack.run_in("redis", "sh", "-c", asked).strip() == "PONG"


def test_the_password_is_in_no_variable_command_or_log(stack: ComposeStack) -> None:
    password = stack.run_in("redis", "cat", "/secrets/redis-password")
    assert len(password) >= 32
    told = [container.facts for container in stack.containers()]
    assert password not in json.dumps(told)
    assert password not in stack.compose("logs", "--no-color")


@pytest.mark.parametrize("service", ["redis", "worker"])
def test_the_server_and_the_model_workers_are_on_the_internal_network_alone(
    stack: ComposeStack, service: str
) -> None:
    (container,) = stack.containers(service)
    assert list(container.facts["NetworkSettings"]["Networks"]) == [f"{stack.project}_store"]
    asked = ["docker", "network", "inspect", "--format={{.Internal}}", f"{stack.project}_store"]
    assert subprocess.run(asked, capture_output=True, text=True, check=True).stdout.strip() == "true"


def test_models_are_pulled_by_a_container_of_their_own(stack: ComposeStack, tmp_path: Path) -> None:
    commands = commands_of("docs/deploy.md", "run --rm models pull")
    assert "pull magenta-v1-256\n" in commands
    stack.follow(commands.replace("magenta-v1-256", "multistyle-26"), tmp_path)  # which is in the image
    assert "multistyle-26" in stack.run_in("worker", "atelier", "models", "verify")


@pytest.mark.parametrize("service", ["redis", "api", "worker", "worker-io"])
def test_memory_and_processes_have_limits(stack: ComposeStack, service: str) -> None:
    limits = stack.containers(service)[0].facts["HostConfig"]
    assert 2 <= limits["Memory"] / 2**30 <= 8
    assert 0 < limits["PidsLimit"] <= 2048
    assert limits["ReadonlyRootfs"]


def test_the_temporary_folder_is_full_before_the_memory_is(stack: ComposeStack) -> None:
    (before,) = stack.containers("worker-io")
    fill = "head -c 1100M /dev/zero 2>&1 > /tmp/ballast; rm /tmp/ballast"
    assert "No space left" in stack.run_in("worker-io", "sh", "-c", fill)
    assert stack.container(before.id).restarts == before.restarts


def test_the_api_answers_again_after_its_serving_process_froze(stack: ComposeStack) -> None:
    (before,) = stack.containers("api")
    stack.run_in("api", "python", "-c", FREEZE_THE_YOUNGEST)
    assert status(stack.url) == 0
    eventually(lambda: status(stack.url) == 200, seconds=90)
    assert stack.container(before.id).restarts <= before.restarts + 1


def test_without_a_key_the_port_is_not_published_beyond_this_machine(
    alone: ComposeStack, tmp_path: Path
) -> None:
    alone.environ["PUBLISHED_HOST"] = "0.0.0.0"
    alone.compose("up", "--detach", "--no-build", "api")
    eventually(lambda: "there is no API key" in alone.compose("logs", "api"), seconds=60)
    assert status(alone.url) == 0
    assert "docker compose run --rm api atelier keys create" in alone.compose("logs", "api")
    create = commands_of("docs/deploy.md", "keys create").splitlines()[0]
    alone.follow(f"{create}\ndocker compose restart api", tmp_path)
    key = (tmp_path / "root.key").read_text().strip()
    eventually(lambda: status(alone.url, key) == 200, seconds=60)
    assert status(alone.url) == 401


def test_another_bootstrap_key_is_taken_by_the_next_up(alone: ComposeStack, tmp_path: Path) -> None:
    keys = [str(KeyText.new()) for _ in range(2)]
    for key in keys:
        path = tmp_path / key[:20]
        path.write_text(f"{key}\n")
        alone.environ["BOOTSTRAP_KEY_FILE"] = str(path)
        alone.start("api")
        assert status(alone.url, key) == 200
    assert status(alone.url, keys[0]) == 401


def test_the_pages_overrides_start_and_reach_the_settings(alone: ComposeStack, tmp_path: Path) -> None:
    (tmp_path / "cards").mkdir()
    (tmp_path / "whsec.txt").write_text(f"whsec_{'A' * 32}\n")
    found = [each.text for each in blocks_of("docs/deploy.md") if each.language == "yaml"]
    overrides = [text for text in found if "./" in text]
    assert (len(found), len(overrides)) == (4, 2)  # the others: test_compose_file.py
    files = [str(ROOT / "docker-compose.yml")]
    for number, text in enumerate(overrides):
        (tmp_path / f"{number}.yml").write_text(text.replace("./", f"{tmp_path}/"))
        files.append(str(tmp_path / f"{number}.yml"))
    options = " ".join(f"--file {file}" for file in files)
    alone.follow(f"docker compose {options} up -d --no-build --wait api worker-io", tmp_path)
    shown = "from shared.settings import Settings as S; s = S.from_env(); print(s.cards, s.webhook.secrets)"
    assert alone.run_in("api", "python", "-c", shown) == f"/cards ('whsec_{'A' * 32}',)\n"
    assert f"('whsec_{'A' * 32}',)" in alone.run_in("worker-io", "python", "-c", shown)
