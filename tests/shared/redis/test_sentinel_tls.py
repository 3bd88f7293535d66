"""Sentinels and servers that speak TLS alone, and ask each client for its certificate."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from shared.errors import StoreUnavailable
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.redis.client import connect, server_time
from shared.setting_groups import JobRules, RedisRules
from shared.settings import Settings
from tests.support.jobs.job_steps import status, submit
from tests.support.servers.binaries import with_tls
from tests.support.servers.sentinels import SentinelGroup, TlsFiles
from tests.support.servers.tls import Authority
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.timeout(120)]

ROOT = Path(__file__).parents[3]
CELERY_WORKER = ROOT / "tests" / "shared" / "queue" / "celery_worker.py"


@contextmanager
def running_worker(url: str) -> Iterator[None]:
    """Run a worker by Celery that notes what it hears."""
    environ = {**os.environ, "PYTHONPATH": str(ROOT)}
    with subprocess.Popen([sys.executable, CELERY_WORKER, url, "2"], env=environ, cwd=ROOT) as worker:
        try:
            yield
        finally:
            worker.kill()


def test_all_goes_by_tls_and_follows_the_primary(tmp_path: Path) -> None:
    binary = with_tls() or pytest.skip("needs a server with TLS: apt-get install redis-server")
    authority, other = Authority(tmp_path), Authority(tmp_path, "other")
    files = TlsFiles(authority.identity("server", "127.0.0.1"), authority.certificate)
    with SentinelGroup(tmp_path, binary, tls=files) as group, running_worker(group.url):
        store = JobStore(connect(group.url, rules=RedisRules(replicas=1, replica_seconds=4)), JobRules())
        app = make_celery(Settings(redis_url=group.url))
        before = submit(store)  # the replica has it, so servers speak TLS with each other
        for wrong in (
            group.url.replace(str(authority.certificate), str(other.certificate)),
            group.url.partition("&ssl_certfile")[0],
            group.url.replace("sentinels://", "sentinel://").partition("&")[0],
        ):
            with pytest.raises(StoreUnavailable):
                server_time(connect(wrong, retries=0))
        eventually(lambda: store.client.get("ready") is not None, seconds=60)
        old = group.primary()
        group.kill(old)
        group.await_failover(old)
        assert status(store, before) is Status.QUEUED
        JobQueue(app, store.client).request_sweep()
        eventually(lambda: store.client.get("begun") == "1", seconds=20)
        app.close()
