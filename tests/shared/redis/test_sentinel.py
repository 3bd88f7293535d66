"""A primary that is killed under load, with three Sentinels: who follows, what is lost, and what is not."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from shared.batches.store import BatchStore
from shared.errors import JobNotFound, StoreUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.queries import JobQueries
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.redis.client import connect
from shared.setting_groups import BatchRules, JobRules, RedisRules
from shared.settings import Settings
from tests.support.jobs.batch_steps import begin, finish
from tests.support.jobs.job_steps import claim, status, submission, submit
from tests.support.servers.binaries import usable
from tests.support.servers.sentinels import SentinelGroup
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

ROOT = Path(__file__).parents[3]
CELERY_WORKER = ROOT / "tests" / "shared" / "queue" / "celery_worker.py"
FOLLOW_SECONDS = 20.0  # for all to work again, the Sentinels' patience included
COPIED = RedisRules(replicas=1, replica_seconds=0.3)
RULES = JobRules(lease_seconds=5, backoff_seconds=0)


@pytest.fixture(scope="module")
def running_group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SentinelGroup]:
    with SentinelGroup(tmp_path_factory.mktemp("sentinel"), usable()[-1]) as running:
        yield running


@pytest.fixture
def group(running_group: SentinelGroup) -> SentinelGroup:
    """The group with both servers, which are in step."""
    primary = running_group.primary()
    with suppress(ProcessLookupError):
        running_group.pid_of(1 - primary)
        running_group.await_replicas(1)
        return running_group
    running_group.start(1 - primary, primary=primary)
    running_group.await_replicas(1)
    return running_group


def store_of(group: SentinelGroup, rules: RedisRules | None = None) -> JobStore:
    return JobStore(connect(group.url, rules=rules), RULES)


def fail_over(group: SentinelGroup) -> None:
    old = group.primary()
    group.kill(old)
    group.await_failover(old)


@contextmanager
def frozen_replica(group: SentinelGroup) -> Iterator[None]:
    """Let nothing reach the replica."""
    pid = group.pid_of(1 - group.primary())
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_job_goes_on_at_the_new_primary(group: SentinelGroup) -> None:
    store = store_of(group)
    queries = JobQueries(store)
    waiting, job = submit(store), claim(store, submit(store))
    after = queries.last_event_id(job.id)
    fail_over(group)
    began = time.monotonic()
    eventually(lambda: _beats(store, job.id), seconds=FOLLOW_SECONDS)
    finish(store, job)
    found = queries.events(job.id, after=after, block_seconds=1)
    assert [event.data.get("status") for event in found] == ["succeeded"]
    assert claim(store, waiting).attempt == 1
    print(f"followed within {time.monotonic() - began:.2f} s of the new primary")


def _beats(store: JobStore, job_id: str) -> bool:
    with suppress(StoreUnavailable):
        return store.beat([(job_id, 1)]) == ["ok"]
    return False


def test_a_read_that_waits_at_the_primary_ends_when_it_dies(group: SentinelGroup) -> None:
    store = store_of(group, COPIED)
    job_id = submit(store)
    after = JobQueries(store).last_event_id(job_id)
    told: list[str] = []

    def wait() -> None:
        deadline = time.monotonic() + FOLLOW_SECONDS
        while not told and time.monotonic() < deadline:
            with suppress(StoreUnavailable):
                found = JobQueries(store).events(job_id, after=after, block_seconds=2)
                told.extend(event.data["status"] for event in found)

    reader = threading.Thread(target=wait)
    reader.start()
    fail_over(group)
    eventually(lambda: _cancels(store, job_id))
    reader.join(FOLLOW_SECONDS)
    assert told == ["canceled"]


def _cancels(store: JobStore, job_id: str) -> bool:
    """Whether it is canceled at the primary; no replica can have that yet."""
    with suppress(StoreUnavailable):
        store.cancel(job_id, ANONYMOUS)
    return status(store, job_id) is Status.CANCELED


def test_a_worker_hears_doorbells_of_the_new_primary(group: SentinelGroup) -> None:
    client = connect(group.url)
    client.flushall()
    app = make_celery(Settings(redis_url=group.url))
    queue = JobQueue(app, client)
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, CELERY_WORKER, group.url, "1"], env=environ, cwd=ROOT) as worker:
        try:
            eventually(lambda: client.get("ready") is not None, seconds=60)
            fail_over(group)
            queue.request_sweep()
            eventually(lambda: client.get("begun") == "1", seconds=FOLLOW_SECONDS)
        finally:
            worker.kill()
    app.close()


def test_without_replicas_that_must_have_it_an_accepted_job_may_be_lost(group: SentinelGroup) -> None:
    """Asynchronous replication alone: what the replica does not have yet goes with the primary."""
    store, old = store_of(group), group.primary()
    group.kill(1 - old)
    job_id = submit(store)
    group.kill(old)
    group.start(1 - old, primary=old)
    group.await_failover(old)
    with pytest.raises(JobNotFound):
        store_of(group).get(job_id, ANONYMOUS)


def test_what_no_replica_has_is_not_promised(group: SentinelGroup) -> None:
    store = store_of(group, COPIED)
    wanted = submission(idempotency_key="once")
    with frozen_replica(group):
        # The second time the job is there, by another connection, and is as little promised as before.
        for asked in (store, store_of(group, COPIED)):
            with pytest.raises(StoreUnavailable, match=r"could not copy this .*0 of 1 replicas"):
                asked.submit(wanted)
    eventually(lambda: _is_known(store, wanted))


def _is_known(store: JobStore, wanted: object) -> bool:
    with suppress(StoreUnavailable):
        return store.submit(wanted).id == wanted.id  # type: ignore[arg-type, attr-defined]
    return False


def test_a_batch_is_promised_with_all_its_items(group: SentinelGroup) -> None:
    store = store_of(group, COPIED)
    batches = BatchStore(store, BatchRules())
    batch_id = begin(batches, 30)
    with frozen_replica(group), pytest.raises(StoreUnavailable):
        batches.finalize(batch_id, ANONYMOUS)
    eventually(lambda: _is_finalized(batches, batch_id))


def _is_finalized(batches: BatchStore, batch_id: str) -> bool:
    with suppress(StoreUnavailable):
        batches.finalize(batch_id, ANONYMOUS)
        return True
    return False


def test_no_accepted_job_is_lost_when_the_primary_is_killed_under_load(group: SentinelGroup) -> None:
    stop, accepted, refused = threading.Event(), list[str](), list[str]()

    def load() -> None:
        store = store_of(group, COPIED)
        while not stop.is_set():
            try:
                accepted.append(submit(store))
            except StoreUnavailable as error:
                refused.append(error.whole)

    threads = [threading.Thread(target=load) for _ in range(4)]
    for thread in threads:
        thread.start()
    eventually(lambda: len(accepted) > 100)
    old = group.primary()
    group.kill(old)
    group.await_failover(old)
    group.start(old, primary=1 - old)  # without it no replica has what is new, and all is refused
    before = len(accepted)
    eventually(lambda: len(accepted) > before + 50)
    stop.set()
    for thread in threads:
        thread.join()
    store = store_of(group)
    assert refused
    assert [job_id for job_id in accepted if status(store, job_id) is not Status.QUEUED] == []


def test_sentinels_that_know_nothing_are_told_in_a_sentence() -> None:
    with pytest.raises(StoreUnavailable) as caught:
        JobStore(connect("sentinel://:pw@127.0.0.1:1/0?service=x", retries=0), RULES).reap()
    assert caught.value.inside == "no Sentinel knows a primary with the name 'x' that is up"
