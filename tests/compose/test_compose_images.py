"""The images as the engine has them: their size, what they say, and whether pods of Kubernetes run them."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from atelier.client.client import Client
from tests.deploy.kubernetes.conftest import container_of, environment_of, name_of, pod_of, processes
from tests.support.compose_stack import ComposeStack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.compose, pytest.mark.timeout(600)]

MOST_BYTES = {"atelier-api": 200_000_000, "atelier-worker": 1_200_000_000}
LANE = "bulk"


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


def layers_of(image: str) -> str:
    return docker("history", "--format", "{{.Size}}\t{{.CreatedBy}}", image)


@pytest.mark.parametrize("name", MOST_BYTES)
def test_an_image_is_no_larger_than_it_needs_to_be(stack: ComposeStack, name: str) -> None:
    image = f"{name}:{stack.environ['IMAGE_TAG']}"
    size = int(docker("image", "inspect", "--format", "{{.Size}}", image))
    print(f"{image}: {size:,} bytes\n{layers_of(image)}")
    assert size <= MOST_BYTES[name], layers_of(image)


@pytest.mark.parametrize("name", MOST_BYTES)
def test_an_image_says_what_it_is(stack: ComposeStack, name: str) -> None:
    (facts,) = json.loads(docker("image", "inspect", f"{name}:{stack.environ['IMAGE_TAG']}"))
    labels = facts["Config"]["Labels"]
    assert labels["org.opencontainers.image.licenses"] == "Apache-2.0"
    assert {"org.opencontainers.image.version", "org.opencontainers.image.revision"} <= labels.keys()
    assert facts["Config"]["User"] == "10001:10001"


@pytest.fixture
def pod(stack: ComposeStack) -> Iterator[str]:
    """A worker of one lane, run as the manifests do, with the volumes of the stack."""
    (worker,) = [each for each in processes("trial") if name_of(each) == f"atelier-worker-{LANE}"]
    container, context = container_of(worker), pod_of(worker)["securityContext"]
    variables = {**environment_of("trial", worker), "REDIS_URL_FILE": "/secrets/redis-url"}
    options = [option for name, value in variables.items() for option in ("--env", f"{name}={value}")]
    volumes = [f"{stack.project}_secrets:/secrets:ro", f"{stack.project}_storage:/var/lib/atelier/storage"]
    confined = ["--read-only", "--tmpfs=/tmp", "--cap-drop=ALL", "--security-opt=no-new-privileges"]
    user = f"--user={context['runAsUser']}:{context['runAsGroup']}"
    image = f"{container['image'].partition(':')[0]}:{stack.environ['IMAGE_TAG']}"
    made = docker(
        "run", "--detach", f"--network={stack.project}_store", user, *confined, *options,
        *(f"--volume={volume}" for volume in volumes), image, *container["command"],
    )  # fmt: skip
    yield made.strip()
    docker("rm", "--force", made.strip())


def test_a_worker_runs_as_the_manifests_run_it_and_serves_its_lane(
    stack: ComposeStack, client: Client, pod: str
) -> None:
    (worker,) = [each for each in processes("trial") if name_of(each) == f"atelier-worker-{LANE}"]
    probe = container_of(worker)["startupProbe"]["exec"]["command"]
    asked = ["docker", "exec", pod, *probe]
    eventually(lambda: subprocess.run(asked, capture_output=True, check=False).returncode == 0, seconds=180)
    stack.compose("stop", "worker")
    try:
        job = client.jobs.create({"type": "generate", "seed": 7, "lane": LANE})
        assert client.jobs.wait(job, timeout_seconds=120).status == "succeeded"
        waiting = client.jobs.create({"type": "generate", "seed": 8})
        assert client.stats.read().raw["lanes"][0]["load"]["jobs"] == 1
    finally:
        stack.start()
    assert client.jobs.wait(waiting, timeout_seconds=120).status == "succeeded"
    docker("stop", "--time=150", pod)
    assert json.loads(docker("inspect", pod))[0]["State"]["ExitCode"] == 0
