"""A picture that kills whatever process works on it takes nobody along, and ends with a reason."""

from collections.abc import Sequence
from functools import partial

import pytest

from atelier.client.client import Client
from atelier.client.job import Job
from shared.identifiers import ANONYMOUS
from shared.setting_groups import JobRules
from tests.crash_points import stories
from tests.crash_points.installation import SLOTS, Installation
from tests.crash_points.points import POISON
from tests.support.models.light_models import GENERATOR, LATENT_SIZE, TRANSFORMER
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

BUDGET = JobRules().crash_budget
MORE_THAN_ENOUGH = 50


def poisoned_picture(client: Client) -> Job:
    content = client.files.upload(stories.fresh_picture(POISON.decode()))
    return client.jobs.create({"type": "transform", "model": TRANSFORMER, "content": content})


def poisoned_drawing(client: Client) -> Job:
    return client.jobs.create({"type": "generate", "model": GENERATOR, "latents": [[9.0] * LATENT_SIZE]})


def drawings(client: Client, count: int) -> list[Job]:
    return [client.jobs.create({"type": "generate", "model": GENERATOR, "seed": n}) for n in range(count)]


def is_running(client: Client, job: Job) -> bool:
    return client.jobs.get(job).status == "running"


def occupy_both_workers(installation: Installation, client: Client) -> list[Job]:
    """Submit jobs until each worker's network is held by one."""
    jobs: list[Job] = []
    installation.hold()
    while len({client.jobs.get(job).raw["worker"] for job in jobs}) < 2:
        (job,) = drawings(client, 1)
        eventually(partial(is_running, client, job))
        jobs.append(job)
    return jobs


def assert_only_the_poisoned_fails(
    installation: Installation, client: Client, poisoned: Job, neighbours: Sequence[Job]
) -> None:
    ended = client.jobs.wait(poisoned, timeout_seconds=60)
    assert ended.error is not None
    assert (ended.status, ended.error.code) == ("failed", "worker_lost")
    assert installation.store.get(poisoned.id, ANONYMOUS).crashes == BUDGET
    assert {client.jobs.wait(job, timeout_seconds=60).status for job in neighbours} == {"succeeded"}


def test_a_picture_that_kills_at_decode_takes_nobody_along(
    installation: Installation, client: Client
) -> None:
    installation.strikes.arm("poison.at-decode", times=MORE_THAN_ENOUGH)
    before = drawings(client, 4)
    poisoned = poisoned_picture(client)
    neighbours = [*before, *drawings(client, 4)]
    assert_only_the_poisoned_fails(installation, client, poisoned, neighbours)
    assert len(installation.strikes.struck("poison.at-decode")) == BUDGET


def test_a_job_that_kills_at_predict_runs_alone_from_then_on(
    installation: Installation, client: Client
) -> None:
    installation.strikes.arm("poison.at-predict", times=MORE_THAN_ENOUGH)
    installation.strikes.arm("seen.at-batcher", times=SLOTS)
    neighbours = occupy_both_workers(installation, client)
    poisoned = poisoned_drawing(client)
    neighbours += drawings(client, SLOTS - 1 - len(neighbours))
    eventually(lambda: len(installation.strikes.struck("seen.at-batcher")) == SLOTS)
    installation.resume()
    assert_only_the_poisoned_fails(installation, client, poisoned, neighbours)
    first, *later = sorted(
        (int(struck.note) for struck in installation.strikes.struck("poison.at-predict")), reverse=True
    )
    assert first > 1
    assert later == [1] * (BUDGET - 1)
