"""The compose stack, for real: the README's curl, two workers, and a crash of each part."""

import io
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from PIL import Image

from atelier.client.client import Client
from atelier.client.job import Job
from tests.support.compose_stack import ROOT, ComposeStack
from tests.support.images import pictures
from tests.support.waiting import eventually, until_running

pytestmark = [pytest.mark.compose, pytest.mark.timeout(1800)]

PROCESSES = ("api", "worker", "worker-io")
SIDE = 1024  # pixels; about a second of one core a picture: long enough to be killed in the middle


# The images have no tools that find processes.
FREEZE = """
import os, signal
from pathlib import Path
for path in Path("/proc").glob("[0-9]*/cmdline"):
    words = path.read_bytes().split(b"\\0")
    if words[1:3] == [b"-m", b"worker"] or words[1:2] and words[1].endswith(b"/gunicorn"):
        os.kill(int(path.parent.name), signal.SIGSTOP)
"""


@pytest.fixture(scope="module")
def style() -> bytes:
    return pictures.png(256, 256)


@pytest.fixture(autouse=True)
def _tell_why(stack: ComposeStack, request: pytest.FixtureRequest) -> Iterator[None]:
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed > failed:
        stack.print_logs()


def submit(client: Client, style: bytes, count: int) -> list[Job]:
    inputs = {
        "content": client.files.upload(pictures.photo(SIDE, SIDE)),
        "styles": [{"image": client.files.upload(style)}],
    }
    return [client.jobs.create({"type": "stylize", **inputs}) for _ in range(count)]


def wait_for_all(client: Client, jobs: list[Job]) -> list[Job]:
    return [client.jobs.wait(job, timeout_seconds=180) for job in jobs]


def host_of(job: Job) -> str:
    """Return the worker's host: its container's short id."""
    return str(job.raw["worker"])[:12]


def readme_curl() -> str:
    lines = (ROOT / "README.md").read_text("utf-8").splitlines()
    return next(line for line in lines if line.startswith("curl ") and "/v1/jobs/stylize" in line)


def test_the_readmes_curl_gives_a_picture_of_the_contents_size(stack: ComposeStack, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.photo(320, 200))
    (tmp_path / "painting.png").write_bytes(pictures.png(256, 256))
    command = readme_curl().replace("http://127.0.0.1:8480", stack.url)
    answer = subprocess.run(command, shell=True, cwd=tmp_path, capture_output=True, text=True, check=True)
    assert re.match(r"HTTP/1.1 202 ", answer.stdout), answer.stdout
    location = re.search(r"(?im)^location: (\S+)", answer.stdout).group(1)
    job = httpx.get(location, params={"wait": 60}, timeout=90).json()
    assert job["status"] == "succeeded", job
    picture = httpx.get(job["urls"]["result"], follow_redirects=True)
    assert Image.open(io.BytesIO(picture.content)).size == (320, 200)


def test_digits_are_generated(client: Client) -> None:
    done = client.jobs.wait(
        client.jobs.create({"type": "generate", "seed": 7, "count": 4}), timeout_seconds=60
    )
    assert done.status == "succeeded"
    assert [(output.width, output.height) for output in done.outputs] == [(28, 28)] * 4


@pytest.mark.parametrize("service", PROCESSES)
def test_processes_have_no_rights_to_speak_of(stack: ComposeStack, service: str) -> None:
    assert stack.run_in(service, "id", "-u").strip() == "10001"
    status = stack.run_in(service, "cat", "/proc/1/status")
    assert re.search(r"CapEff:\s+0{16}\b", status)
    assert re.search(r"NoNewPrivs:\s+1", status)
    with pytest.raises(subprocess.CalledProcessError):
        stack.run_in(service, "touch", "/opt/atelier/anything")


@pytest.mark.parametrize("service", ["api", "worker-io"])
def test_only_the_model_workers_carry_tensorflow(stack: ComposeStack, service: str) -> None:
    search = "from importlib.util import find_spec; print(find_spec('tensorflow'))"
    assert stack.run_in(service, "python", "-c", search).strip() == "None"


def test_only_the_api_is_reached_and_only_from_this_machine(stack: ComposeStack) -> None:
    bindings = [container.facts["HostConfig"]["PortBindings"] for container in stack.containers()]
    addresses = [port["HostIp"] for ports in bindings for published in ports.values() for port in published]
    assert addresses == ["127.0.0.1"]


def test_models_are_in_the_image_and_more_can_be_pulled(stack: ComposeStack) -> None:
    stack.run_in("worker", "atelier", "models", "verify")
    stack.run_in("worker", "touch", "/var/lib/atelier/models/.writable")


def test_jobs_finish_though_one_of_two_workers_is_killed(
    stack: ComposeStack, client: Client, style: bytes
) -> None:
    stack.start(workers=2)
    jobs = submit(client, style, 20)
    until_running(client, jobs[4])
    by_host = {container.id[:12]: container for container in stack.containers("worker")}
    victim = by_host[host_of(client.jobs.get(jobs[4]))]
    stack.kill(victim)
    done = wait_for_all(client, jobs)
    assert {job.status for job in done} == {"succeeded"}
    assert max(job.attempt for job in done) == 2
    assert {host_of(job) for job in done} >= set(by_host) - {victim.id[:12]}
    eventually(lambda: stack.has_recovered(victim), seconds=120)
    stack.start(workers=1)


@pytest.mark.parametrize("service", PROCESSES)
def test_a_process_that_is_frozen_is_started_again(stack: ComposeStack, client: Client, service: str) -> None:
    """The engine restarts what ends, not what is unhealthy: the process's parent ends it."""
    (before,) = stack.containers(service)
    stack.run_in(service, "python", "-c", FREEZE)
    eventually(lambda: stack.has_recovered(before), seconds=180)
    assert client.jobs.wait(client.jobs.create({"type": "generate", "seed": 1}), timeout_seconds=60).succeeded


@pytest.mark.parametrize("service", ["redis", "api"])
def test_accepted_jobs_go_on_when_a_service_is_killed(
    stack: ComposeStack, client: Client, style: bytes, service: str
) -> None:
    jobs = submit(client, style, 6)
    until_running(client, jobs[0])
    victim = stack.containers(service)[0]
    stack.kill(victim)
    eventually(lambda: stack.has_recovered(victim), seconds=60)
    assert {job.status for job in wait_for_all(client, jobs)} == {"succeeded"}


def test_a_stop_is_clean_and_loses_nothing(stack: ComposeStack, client: Client, style: bytes) -> None:
    jobs = submit(client, style, 8)
    until_running(client, jobs[0])
    before = time.monotonic()
    stack.compose("stop")
    assert time.monotonic() - before < 60
    assert {container.exit_status for container in stack.containers()} == {0}
    stack.start()
    done = wait_for_all(client, jobs)
    assert {(job.status, job.attempt) for job in done} == {("succeeded", 1)}


def test_volumes_outlive_the_containers(stack: ComposeStack, client: Client) -> None:
    job = client.jobs.wait(client.jobs.create({"type": "generate", "seed": 7}), timeout_seconds=60)
    stack.compose("down")
    stack.start()
    assert httpx.get(client.jobs.get(job).outputs[0].url).status_code == 200
