import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.errors import AtelierError, OutOfDisk, StorageUnavailable
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.redis.client import Client
from shared.watched_process import EXIT_STUCK
from shared.workers import LoadedModel, Worker, WorkerRoster
from tests.worker.conftest import Bench
from worker import health
from worker.health import judge
from worker.process import heartbeat
from worker.process.heartbeat import Heartbeat, Liveness, release_all

MODELS = (LoadedModel("mnist-dcgan", "1", "d"),)
AVAILABLE = ("magenta-mobile", "mnist-dcgan")


def test_the_heartbeat_keeps_leases_and_tells_of_a_cancel(bench: Bench) -> None:
    kept, canceled = bench.submit(), bench.submit()
    beats = threading.Semaphore(0)
    with (
        bench.held.hold(bench.store.claim(kept, "w1")) as mine,
        bench.held.hold(bench.store.claim(canceled, "w1")) as theirs,
    ):
        bench.store.cancel(canceled, ANONYMOUS)
        bench.store.client.zadd("atelier:leases", {kept: 1})
        Heartbeat(bench.store, bench.held, on_beat=beats.release, on_away=lambda _: None)
        assert beats.acquire(timeout=10)
        assert (mine.is_current, theirs.is_current) == (True, False)
        assert bench.store.reap().reclaimed == ()


def test_released_attempts_go_back_uncounted(bench: Bench) -> None:
    job_id = bench.submit()
    with bench.held.hold(bench.store.claim(job_id, "w1")):
        release_all(bench.store, bench.held.all())
    job = bench.job(job_id)
    assert (job.status, job.counted_attempts, job.crashes, job.failures) == (Status.QUEUED, 0, 0, 0)


def test_a_job_past_the_hard_limit_ends_its_process_and_spares_its_neighbour(
    bench: Bench, server: EmbeddedServer
) -> None:
    stuck, neighbour = bench.submit(), bench.submit()
    script = Path(__file__).with_name("stuck_worker.py")
    command = [sys.executable, str(script), server.url, stuck, neighbour]
    root = Path(__file__).parents[3]
    assert (
        subprocess.run(command, cwd=root, env={"PYTHONPATH": str(root)}, timeout=60).returncode == EXIT_STUCK
    )
    failed, spared = bench.job(stuck), bench.job(neighbour)
    assert failed.error is not None
    assert (failed.status, failed.error["code"]) == (Status.FAILED, "time_limit_exceeded")
    assert (spared.status, spared.counted_attempts) == (Status.QUEUED, 0)


@pytest.fixture
def roster(redis_client: Client) -> WorkerRoster:
    return WorkerRoster(redis_client)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "health"


@pytest.fixture
def worker(roster: WorkerRoster, file: Path) -> Liveness:
    return Liveness(Worker("w1", 4, ()), roster, file, models=lambda: MODELS, available=lambda: AVAILABLE)


def test_a_worker_joins_the_roster_when_it_consumes(
    worker: Liveness, roster: WorkerRoster, file: Path
) -> None:
    worker.progress()
    assert roster.live() == ()
    assert "loading" in judge(file)
    worker.begin()
    assert roster.live() == (Worker("w1", 4, MODELS, available=AVAILABLE),)
    assert judge(file) == ""


def test_a_worker_says_at_once_that_it_has_another_model(roster: WorkerRoster, file: Path) -> None:
    names = ["mnist-dcgan"]
    worker = Liveness(
        Worker("w1", 4, ()), roster, file, models=lambda: MODELS, available=lambda: tuple(names)
    )
    worker.begin()
    names.append("nst-gatys")
    worker.progress()
    assert roster.live() == (Worker("w1", 4, MODELS, available=("mnist-dcgan", "nst-gatys")),)


def test_a_worker_says_at_once_that_its_disk_is_full(roster: WorkerRoster, file: Path) -> None:
    room = [True]
    models: dict[str, Any] = {"models": lambda: MODELS, "available": lambda: AVAILABLE}
    worker = Liveness(Worker("w1", 4, ()), roster, file, **models, has_room=lambda: room[0])
    worker.begin()
    assert [each.has_room for each in roster.live()] == [True]
    room[0] = False
    worker.progress()
    assert [each.has_room for each in roster.live()] == [False]


@pytest.mark.parametrize(
    ("error", "told"), [(StorageUnavailable(), (True, False)), (OutOfDisk(), (False, True))]
)
def test_a_worker_says_at_once_what_the_storage_does_not_do(
    roster: WorkerRoster, file: Path, error: AtelierError, told: tuple[bool, bool]
) -> None:
    found: list[AtelierError | None] = [None]
    models: dict[str, Any] = {"models": lambda: MODELS, "available": lambda: AVAILABLE}
    worker = Liveness(Worker("w1", 4, ()), roster, file, **models, obstacle=lambda: found[0])
    worker.begin()
    for each, expected in ((error, told), (None, (True, True))):
        found[0] = each
        worker.progress()
        assert [(one.has_room, one.reaches_storage) for one in roster.live()] == [expected]


def test_a_worker_that_drains_leaves_the_roster(worker: Liveness, roster: WorkerRoster, file: Path) -> None:
    worker.begin()
    worker.end()
    worker.progress()
    assert roster.live() == ()
    assert "draining" in judge(file)


def test_a_worker_whose_store_is_away_is_not_ready_and_recovers(worker: Liveness, file: Path) -> None:
    worker.begin()
    worker.away("the job store does not answer")
    assert "does not answer" in judge(file)
    worker.progress()
    assert judge(file) == ""


def test_a_worker_that_silently_stopped_consuming_ends_itself(
    worker: Liveness, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(heartbeat.os, "_exit", ended.append)
    clock = iter(range(0, 1000, 5))
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: float(next(clock)))
    worker.begin()
    for _ in range(3):
        worker.check_consuming(doorbells_wait=True, is_idle=True, last_doorbell=0)
    assert ended == []
    for _ in range(3):
        worker.check_consuming(doorbells_wait=True, is_idle=True, last_doorbell=0)
    assert set(ended) == {70}


@pytest.mark.parametrize(
    ("waiting", "is_idle", "last_doorbell"),
    [(False, True, 0.0), (True, False, 0.0), (True, True, 1e9)],
)
def test_a_worker_that_is_busy_or_unasked_or_answers_stays(
    worker: Liveness,
    monkeypatch: pytest.MonkeyPatch,
    waiting: bool,
    is_idle: bool,
    last_doorbell: float,
) -> None:
    monkeypatch.setattr(heartbeat.os, "_exit", lambda status: pytest.fail(f"ended with {status}"))
    clock = iter(range(0, 100_000, 100))
    monkeypatch.setattr(heartbeat.time, "monotonic", lambda: float(next(clock)))
    worker.begin()
    for _ in range(5):
        worker.check_consuming(doorbells_wait=waiting, is_idle=is_idle, last_doorbell=last_doorbell)


def test_a_worker_whose_consume_loop_stands_still_is_not_ready_and_then_ends_itself(
    worker: Liveness, roster: WorkerRoster, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[int] = []
    monkeypatch.setattr(heartbeat.os, "_exit", ended.append)
    worker.begin()
    roster.withdraw("w1")
    worker.progress(health.SILENCE_SECONDS + 1)
    worker.check_turning(health.SILENCE_SECONDS + 1)
    assert "has not turned" in judge(file)
    assert (roster.live(), ended) == ((), [])
    worker.check_turning(health.STUCK_SECONDS + 1)
    assert ended == [70]


def test_a_worker_that_loads_its_models_may_be_silent(
    worker: Liveness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(heartbeat.os, "_exit", lambda status: pytest.fail(f"ended with {status}"))
    worker.check_turning(1000)
