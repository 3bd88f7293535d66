"""An S3 server that dies, hangs, refuses or crawls: no accepted job is lost, and none has two outcomes."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from atelier.client.client import Client
from atelier.client.job import Job
from atelier.local.stack import RunningStack
from shared.redis.client import Client as RedisClient
from shared.redis.client import connect
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_object_store
from tests.reliability.conftest import LIGHT
from tests.support.http.tcp_proxy import TcpProxy
from tests.support.models.light_models import GENERATOR, HOLD_VARIABLE, write_cards
from tests.support.s3.servers import S3Server, s3_server
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

JOBS, PICTURES = 6, 3
CUTS = 100  # each as soon as there is a connection again
LEASE_SECONDS = 2.0  # so that a request to the bucket may take one second
_seeds = itertools.count(1)  # equal jobs would share one result


@dataclass(frozen=True, slots=True)
class Site:
    """An installation on a bucket, and the way to it."""

    stack: RunningStack
    client: Client
    redis: RedisClient
    s3: S3Server
    proxy: TcpProxy  # between the service and the bucket
    objects: ObjectStore  # straight
    hold: Path  # while it exists, no network answers

    def begin(self) -> list[Job]:
        """Return jobs whose results are about to be stored: they run, and their network is held."""
        self.hold.touch()
        specs = [{"seeds": [next(_seeds) for _ in range(PICTURES)]} for _ in range(JOBS)]
        jobs = [self.client.jobs.create({"type": "generate", "model": GENERATOR, **spec}) for spec in specs]
        eventually(lambda: any(self.record(job)["status"] == "running" for job in jobs))
        return jobs

    def record(self, job: Job) -> dict[str, str]:
        found: dict[str, str] = self.redis.hgetall(f"atelier:job:{job.id}")
        return found

    def succeeded(self, jobs: list[Job]) -> bool:
        return all(self.record(job)["status"] == "succeeded" for job in jobs)

    def released(self, jobs: list[Job]) -> int:
        return sum(int(self.record(job)["released"]) for job in jobs)

    def outcomes(self, job: Job) -> list[str]:
        """Return the terminal statuses among the events of a job."""
        told = [entry["data"] for _, entry in self.redis.xrange(f"atelier:events:{job.id}")]
        return [name for name in ("succeeded", "failed") for text in told if f'"status":"{name}"' in text]

    def stored(self, job: Job) -> list[str]:
        return sorted(self.objects.keys(f"outputs/{job.id}/"))


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("bucket")
    state = folder / "state"
    write_cards(state / "cards")
    (state / "cards" / "saved_model.pb").touch()  # the cards name their own folder as the model's
    with s3_server("rclone", folder / "s3") as s3, TcpProxy(f"redis://127.0.0.1:{s3.port}") as proxy:
        url = s3.url("a", endpoint=proxy.url.replace("redis", "http"))
        environ = {"ATELIER_STORAGE_URL": url, "ATELIER_JOBS_LEASE_SECONDS": f"{LEASE_SECONDS:g}"}
        environ[HOLD_VARIABLE] = str(folder / "hold")
        stack = RunningStack(state, environ=environ, wrap={"worker": LIGHT})
        with stack, stack.client() as client, connect(stack.redis_url) as redis:
            objects = open_object_store(s3.url("a"))
            yield Site(stack, client, redis, s3, proxy, objects, folder / "hold")


def assert_whole(site: Site, jobs: list[Job]) -> None:
    """Every job has succeeded once, with all its pictures, whatever its attempts met."""
    eventually(lambda: site.succeeded(jobs))
    for job in jobs:
        record = site.record(job)
        assert (record["failures"], record["crashes"]) == ("0", "0")
        assert site.outcomes(job) == ["succeeded"]
        done = site.client.jobs.get(job.id)
        assert len({site.client.jobs.download(done, index) for index in range(PICTURES)}) == PICTURES


FAULTS: dict[str, Callable[[Site], None]] = {
    "killed": lambda site: site.s3.kill(),
    "frozen": lambda site: site.s3.freeze(),
    "refusing": lambda site: site.proxy.refuse(),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_jobs_wait_for_a_bucket_that_is_away(site: Site, fault: str) -> None:
    jobs = site.begin()
    FAULTS[fault](site)
    site.hold.unlink()
    eventually(lambda: site.released(jobs) >= 2)
    assert {site.record(job)["status"] for job in jobs} <= {"queued", "running"}
    mend(site)
    assert_whole(site, jobs)


def mend(site: Site) -> None:
    site.proxy.thaw()
    site.s3.thaw()
    if site.s3.is_down:
        site.s3.start()


def test_connections_that_break_in_the_middle_are_tried_again(site: Site) -> None:
    jobs = site.begin()
    site.hold.unlink()
    for _ in range(CUTS):
        earlier = site.proxy.accepted
        site.proxy.cut()
        eventually(lambda: site.proxy.accepted > earlier or site.succeeded(jobs))  # noqa: B023
    assert_whole(site, jobs)


def test_a_slow_bucket_is_no_failure(site: Site) -> None:
    jobs = site.begin()
    site.proxy.delay(0.05)
    site.hold.unlink()
    assert_whole(site, jobs)
    site.proxy.thaw()


def test_the_service_says_that_its_bucket_is_away(site: Site) -> None:
    site.s3.kill()
    answer = httpx.get(f"{site.stack.url}/readyz", timeout=20)
    assert (answer.status_code, answer.json()["errors"][0]["code"]) == (503, "storage_unavailable")
    site.s3.start()
    eventually(lambda: httpx.get(f"{site.stack.url}/readyz", timeout=20).status_code == 200)
