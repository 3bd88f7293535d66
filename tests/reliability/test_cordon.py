"""A cordoned worker among real ones: work starts elsewhere at once, none is lost, its health stays good."""

import time
from collections.abc import Iterator

import pytest

from atelier.client.job import Job
from atelier.client.queue.workers import Worker
from shared.fleet import Fleet
from shared.workers import WorkerRoster, name_of
from tests.reliability.conftest import SLOTS, Site
from tests.support.waiting import eventually
from worker.health import judge
from worker.process.heartbeat import STALL_SECONDS

MOST_READS = 100  # in 20 s: the io worker's, one a second, and those that waited as the cordon came
pytestmark = pytest.mark.slow

ELSEWHERE_SECONDS = 1.5  # to bring a doorbell that a read had taken to another worker


def name(site: Site, process: str) -> str:
    pid = site.stack.pid_of(process)
    (found,) = (one.id for one in WorkerRoster(site.redis).live() if f"-{pid}-" in one.id)
    return name_of(found)


def worker(site: Site, called: str) -> Worker:
    (found,) = (one for one in site.client.workers.list() if one.name == called)
    return found


@pytest.fixture
def steady(site: Site) -> Iterator[Site]:
    """The installation; what a test cordoned is uncordoned."""
    yield site
    for one in Fleet(site.redis).workers():
        Fleet(site.redis).uncordon(one.name)


def workers_of(site: Site, jobs: list[Job]) -> set[str]:
    return {name_of(site.record(job)["worker"]) for job in jobs}


def waited(site: Site, job: Job) -> float:
    record = site.record(job)
    return (int(record["started_at"]) - int(record["created_at"])) / 1000


def reads(site: Site) -> int:
    """How often a worker began to wait for a doorbell at the server."""
    return int(site.redis.info("commandstats")["cmdstat_brpop"]["calls"])


def test_from_the_cordon_on_no_job_starts_there_and_the_others_take_all(steady: Site) -> None:
    first, second = name(steady, "worker"), name(steady, "worker-2")
    assert first != second
    steady.client.workers.cordon(first)
    jobs = [steady.submit() for _ in range(60)]  # the first of them while its reads still wait at the server
    eventually(lambda: steady.have_succeeded(jobs), seconds=30)
    assert workers_of(steady, jobs) == {second}
    alone = [steady.submit() for _ in range(6) if not time.sleep(0.3)]
    eventually(lambda: steady.have_succeeded(alone), seconds=30)
    longest = max(waited(steady, job) for job in (*jobs[:1], *alone))
    print(f"the longest wait beside a cordoned worker: {longest:.3f} s")
    assert longest <= ELSEWHERE_SECONDS


def test_a_drained_worker_ends_what_it_runs_and_takes_jobs_again_when_it_may(steady: Site) -> None:
    first = name(steady, "worker")
    held = steady.fill("worker")
    steady.client.workers.drain(first, reason="test")
    assert (worker(steady, first).state, worker(steady, first).running) == ("draining", SLOTS)
    steady.let_go()
    steady.client.workers.wait_drained({first}, timeout_seconds=30)
    assert worker(steady, first).state == "drained"
    assert steady.have_succeeded(held)
    assert {steady.counts(job)["attempt"] for job in held} == {1}
    steady.client.workers.uncordon(first)
    steady.fill("worker")  # it takes jobs into all of its slots
    steady.let_go()


def test_while_all_are_cordoned_jobs_wait_and_no_worker_is_killed_for_it(steady: Site) -> None:
    names = [name(steady, process) for process in ("worker", "worker-2")]
    pids = [steady.stack.pid_of(process) for process in ("worker", "worker-2")]
    for each in names:
        steady.client.workers.cordon(each)
    jobs = [steady.submit() for _ in range(5)]
    before = reads(steady)
    time.sleep(STALL_SECONDS + 5)  # an idle worker that left doorbells alone for so long would be ended
    assert {steady.record(job)["status"] for job in jobs} == {"queued"}
    assert [steady.stack.pid_of(process) for process in ("worker", "worker-2")] == pids
    assert reads(steady) - before < MOST_READS, "doorbells go to and fro"
    assert judge(steady.stack.folder / "worker.health") == ""
    assert steady.redis.llen("atelier.interactive") >= 1
    job = steady.client.jobs.get(jobs[0])
    assert job.queue is not None
    assert job.queue.reason == "no_worker_has_model"
    steady.client.workers.uncordon(names[1])
    eventually(lambda: steady.have_succeeded(jobs), seconds=10)
    assert workers_of(steady, jobs) == {names[1]}


def test_a_cordon_outlives_the_end_of_the_process(steady: Site) -> None:
    first, second = name(steady, "worker"), name(steady, "worker-2")
    steady.client.workers.cordon(first)
    steady.stack.kill("worker")
    steady.await_workers()
    assert name(steady, "worker") == first
    jobs = [steady.submit() for _ in range(20)]
    eventually(lambda: steady.have_succeeded(jobs), seconds=30)
    assert workers_of(steady, jobs) == {second}
    assert worker(steady, first).state == "cordoned"
