"""A worker that dies in the middle of a batch costs no item, and none is done twice."""

import signal

import pytest

from atelier.client.job import Job
from tests.reliability.conftest import Site
from tests.support.models.light_models import GENERATOR
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

ITEMS = 200


def held_by(site: Site, jobs: list[Job], name: str) -> list[Job]:
    return [job for job in jobs if site.is_held_by(job, name)]


def test_a_worker_killed_in_the_middle_of_a_batch_costs_no_item_and_doubles_none(site: Site) -> None:
    site.hold("worker")
    template = {"type": "generate", "model": GENERATOR, "multiply": {"seed": {"from": 1, "to": ITEMS}}}
    run = site.client.batches.create(template=template)
    jobs = list(run.jobs())
    eventually(lambda: len(held_by(site, jobs, "worker")) > 0)
    struck = held_by(site, jobs, "worker")
    site.stack.signal("worker", signal.SIGKILL)
    site.let_go()
    batch = run.wait(timeout_seconds=60)
    assert (batch.status, batch.counts["succeeded"], batch.counts["total"]) == ("completed", ITEMS, ITEMS)
    ended = [item.index for item in run]
    assert (len(ended), set(ended)) == (ITEMS, set(range(ITEMS)))
    done = {job.id: job for job in run.jobs()}
    assert {(done[job.id].attempt, done[job.id].crashes) for job in struck} == {(2, 1)}
    assert {len(job.outputs) for job in done.values()} == {1}
    spared = [job for job in done.values() if job.id not in {one.id for one in struck}]
    assert {(job.attempt, job.crashes) for job in spared} == {(1, 0)}
