"""A job that lost a worker is kept from all micro-batches, no matter what waits beside it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event

import numpy as np

from shared.jobs.status import Status
from shared.specs.parts import Lane
from tests.shared.jobs.test_crash_company import crash
from tests.support.waiting import eventually
from tests.worker.conftest import Bench, Brightness


@dataclass
class Patient(Brightness):
    """Notes how many pictures each call asks for, and answers none before it may."""

    sizes: list[int] = field(default_factory=list)
    may_answer: Event = field(default_factory=Event)

    def generate(self, latents: np.ndarray) -> np.ndarray:
        self.sizes.append(len(latents))
        assert self.may_answer.wait(30)
        return super().generate(latents)


def sizes_of_calls(bench: Bench, waiting: list[str]) -> list[int]:
    """Return how many pictures each call makes where these jobs wait for the network at the same time."""
    bench.model = model = Patient()
    runner, first = bench.runner(), bench.submit(seeds=[1])
    with ThreadPoolExecutor(1 + len(waiting)) as pool:
        pool.submit(runner.handle, first, Lane.INTERACTIVE)
        eventually(lambda: model.sizes == [1])
        for job_id in waiting:
            pool.submit(runner.handle, job_id, Lane.INTERACTIVE)
        eventually(lambda: len(runner._resources.batcher._waiting) == len(waiting))
        model.may_answer.set()
    assert {bench.job(job_id).status for job_id in waiting} == {Status.SUCCEEDED}
    return sorted(model.sizes[1:])


def test_jobs_that_wait_together_run_together(bench: Bench) -> None:
    assert sizes_of_calls(bench, [bench.submit(seeds=[n]) for n in range(3)]) == [3]


def test_a_job_that_lost_a_worker_runs_alone(bench: Bench) -> None:
    jobs = [bench.submit(seeds=[n]) for n in range(3)]
    crash(bench.store, jobs[1], times=1)
    assert sizes_of_calls(bench, jobs) == [1, 2]
