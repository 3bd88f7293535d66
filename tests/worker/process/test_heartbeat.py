import subprocess
import sys
import threading
from pathlib import Path

from atelier.local.redis_server import EmbeddedServer
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from tests.worker.conftest import Bench
from worker.process.heartbeat import EXIT_STUCK, Heartbeat, release_all


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
        assert bench.store.reap().taken_back == ()


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
