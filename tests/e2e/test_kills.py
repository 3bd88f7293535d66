"""Accepted jobs survive the death of any process."""

import os
import signal
import time
from collections.abc import Iterator

import pytest

from atelier.client.client import Client
from atelier.client.job import Job
from atelier.local.stack import RunningStack
from shared.redis.client import connect
from shared.workers import WorkerRoster
from tests.support.images import pictures
from tests.support.waiting import eventually, until_running

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

SIDE = 1200  # pixels; about two seconds of one core: long enough to be killed in the middle


def submit_long(client: Client, style: bytes) -> Job:
    content = client.files.upload(pictures.photo(SIDE, SIDE))
    return client.jobs.create(
        {"type": "stylize", "content": content, "styles": [{"image": client.files.upload(style)}]}
    )


@pytest.fixture
def roster(stack: RunningStack) -> Iterator[WorkerRoster]:
    client = connect(stack.redis_url)
    yield WorkerRoster(client)
    client.close()


def await_successor(stack: RunningStack, roster: WorkerRoster, old: int) -> None:
    """Return when the worker that replaces a process is ready."""

    def serves() -> bool:
        pid = stack.processes().get("worker", old)
        return pid != old and any(f"-{pid}-" in worker.id for worker in roster.live())

    eventually(serves, seconds=240)  # a busy machine is slow to load networks


def test_a_job_whose_worker_is_killed_succeeds_on_a_later_attempt(
    stack: RunningStack, client: Client, roster: WorkerRoster, style: bytes
) -> None:
    job = submit_long(client, style)
    until_running(client, job)
    await_successor(stack, roster, stack.kill("worker"))
    ready = time.monotonic()
    done = client.jobs.wait(job, timeout_seconds=60)
    assert time.monotonic() - ready < 15
    assert (done.status, done.attempt) == ("succeeded", 2)
    folders = [folder.name for folder in (stack.folder / "storage" / "outputs" / job.id).iterdir()]
    assert folders == ["2"]


def test_accepted_jobs_go_on_when_the_api_is_killed(
    stack: RunningStack, client: Client, style: bytes
) -> None:
    jobs = [submit_long(client, style) for _ in range(2)]
    stack.kill("api")
    done = [client.jobs.wait(job, timeout_seconds=90) for job in jobs]
    assert [(job.status, job.attempt) for job in done] == [("succeeded", 1)] * 2


def test_accepted_jobs_go_on_when_the_server_is_killed(
    stack: RunningStack, client: Client, style: bytes
) -> None:
    jobs = [
        submit_long(client, style),
        *(client.jobs.create({"type": "generate", "seed": n}) for n in range(20)),
    ]
    stack.kill("redis")
    done = [client.jobs.wait(job, timeout_seconds=90) for job in jobs]
    assert {job.status for job in done} == {"succeeded"}
    assert {job.id for job in done} == {job.id for job in jobs}


def test_a_worker_told_to_stop_finishes_what_it_has(
    stack: RunningStack, client: Client, roster: WorkerRoster, style: bytes
) -> None:
    job = submit_long(client, style)
    until_running(client, job)
    old = stack.pid_of("worker")
    os.kill(old, signal.SIGTERM)
    done = client.jobs.wait(job, timeout_seconds=60)
    assert (done.status, done.attempt) == ("succeeded", 1)
    await_successor(stack, roster, old)
