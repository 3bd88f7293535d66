"""P9: where a disk or the server's memory is full, new work is refused and accepted work is kept.

Everything goes on by itself within ten seconds of there being space.
"""

import itertools
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
from redis import Redis

from atelier.local.stack import RunningStack
from shared.redis.client import Client
from tests.reliability.conftest import LIGHT
from tests.support.images import pictures
from tests.support.models.light_models import GENERATOR, HOLD_VARIABLE, write_cards
from tests.support.small_disk import SmallDisk
from tests.support.waiting import eventually

pytestmark = pytest.mark.slow

ACCEPTED = (200, 202)  # 200 where the job was done before the answer

RECOVERY_SECONDS = 10.0
SLOTS = 4
JOBS = 24  # six times what runs at once
_heights = itertools.count(16)


@dataclass(frozen=True, slots=True)
class OnSmallDisk:
    """An installation on a small disk, and what can be asked of it."""

    stack: RunningStack
    http: httpx.Client
    redis: Client
    disk: SmallDisk

    def hold(self) -> Path:
        """Let no network answer while this file exists."""
        file = self.stack.folder.parent / "hold"
        file.touch()
        return file

    def submit(self, **headers: str) -> httpx.Response:
        body = {"type": "generate", "model": GENERATOR, "seed": 1}
        return self.http.post("/v1/jobs", json=body, headers=headers)

    def accept(self, count: int) -> list[str]:
        answers = [self.submit() for _ in range(count)]
        assert {answer.status_code for answer in answers} == {202}
        return [answer.json()["id"] for answer in answers]

    def upload(self) -> httpx.Response:
        """Send a picture that was never sent before."""
        return self.http.post("/v1/files", files={"file": pictures.png(16, next(_heights))})

    def records(self, jobs: list[str]) -> list[dict[str, str]]:
        return [self.redis.hgetall(f"atelier:job:{job}") for job in jobs]

    def statuses(self, jobs: list[str]) -> set[str]:
        return {record["status"] for record in self.records(jobs)}

    def await_running(self) -> None:
        """Wait until all slots are taken; a job that an earlier test left may have one."""
        eventually(lambda: self.redis.zcard("atelier:leases") == SLOTS)


def start(folder: Path, disk: SmallDisk, **environ: str) -> Iterator[OnSmallDisk]:
    write_cards(folder / "cards")
    (folder / "cards" / "saved_model.pb").touch()  # the cards name their own folder as the model's
    fixed = {
        "ATELIER_WORKER_THREADS": str(SLOTS),
        "ATELIER_JOBS_LEASE_SECONDS": "3",
        HOLD_VARIABLE: str(folder.parent / "hold"),
    }
    stack = RunningStack(folder, environ={**fixed, **environ}, wrap={"worker": LIGHT})
    with stack, httpx.Client(base_url=stack.url, timeout=20) as http:
        # Without the pings of `connect`: a server that cannot write answers reads alone.
        redis = Redis.from_url(stack.redis_url, decode_responses=True)
        assert redis.info("memory")["maxmemory"] > 0  # by default, a share of the machine's memory
        yield OnSmallDisk(stack, http, redis, disk)
        redis.config_set("maxmemory", 0)
        redis.close()


@pytest.fixture(scope="module")
def storage_apart(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnSmallDisk]:
    """Only the stored objects are on the small disk."""
    folder = tmp_path_factory.mktemp("apart")
    with SmallDisk(folder / "disk", mebibytes=16) as disk:
        storage = (disk.folder / "storage").as_uri()
        yield from start(folder / "state", disk, ATELIER_STORAGE_URL=storage)


@pytest.fixture(scope="module")
def all_on_one_disk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OnSmallDisk]:
    """All that the installation writes is on the small disk, the server's file and the log among it."""
    folder = tmp_path_factory.mktemp("one")
    with SmallDisk(folder / "disk", mebibytes=64) as disk:
        yield from start(disk.folder / "state", disk)


def refused(answer: httpx.Response, *expected: tuple[int, str]) -> None:
    assert (answer.status_code, answer.json()["code"]) in expected
    assert 1 <= int(answer.headers["Retry-After"]) <= 10
    assert answer.headers["Content-Type"] == "application/problem+json"


def seconds_until(condition: Callable[[], bool]) -> float:
    began = time.monotonic()
    eventually(condition, seconds=RECOVERY_SECONDS)
    return time.monotonic() - began


def test_p9_accepted_jobs_outlast_a_full_disk_and_new_ones_are_refused(
    storage_apart: OnSmallDisk,
) -> None:
    site = storage_apart
    held = site.hold()
    jobs = site.accept(JOBS)
    site.await_running()
    site.disk.fill()
    held.unlink()
    eventually(lambda: sum(int(record["released"]) for record in site.records(jobs)) >= SLOTS)
    refused(site.submit(), (507, "out_of_disk"))
    refused(site.upload(), (507, "out_of_disk"))
    assert site.statuses(jobs) <= {"queued", "running"}
    site.disk.empty()
    seconds_until(lambda: site.statuses(jobs) == {"succeeded"})
    for record in site.records(jobs):
        assert (record["failures"], record["crashes"]) == ("0", "0")
        assert int(record["attempt"]) - int(record["released"]) == 1
    assert site.submit().status_code in ACCEPTED
    assert site.upload().status_code == 201


def test_p9_a_repeated_request_is_answered_though_the_disk_is_full(storage_apart: OnSmallDisk) -> None:
    key = {"Idempotency-Key": "once"}
    first = storage_apart.submit(**key)
    storage_apart.disk.fill()
    again = storage_apart.submit(**key)
    refused(storage_apart.submit(**{"Idempotency-Key": "other"}), (507, "out_of_disk"))
    storage_apart.disk.empty()
    assert (again.status_code in (200, 202), again.json()["id"]) == (True, first.json()["id"])


def test_p9_accepted_jobs_are_done_while_the_server_is_out_of_memory(
    storage_apart: OnSmallDisk,
) -> None:
    site = storage_apart
    held = site.hold()
    jobs = site.accept(JOBS)
    site.await_running()
    site.redis.config_set("maxmemory", 1)
    refused(site.submit(), (503, "store_full"))
    refused(site.upload(), (503, "store_full"))
    held.unlink()
    seconds_until(lambda: site.statuses(jobs) == {"succeeded"})
    assert {record["attempt"] for record in site.records(jobs)} == {"1"}
    refused(site.submit(), (503, "store_full"))
    site.redis.config_set("maxmemory", 0)
    seconds_until(lambda: site.submit().status_code in ACCEPTED)


def test_p9_accepted_jobs_are_done_while_new_ones_are_refused_as_the_memory_is_nearly_full(
    storage_apart: OnSmallDisk,
) -> None:
    site = storage_apart
    held = site.hold()
    jobs = site.accept(JOBS)
    site.await_running()
    site.redis.config_set("maxmemory", site.redis.info("memory")["used_memory"] * 11 // 10)
    eventually(lambda: site.submit().status_code == 503, seconds=3)
    refused(site.submit(), (503, "store_full"))
    refused(site.upload(), (503, "store_full"))
    held.unlink()
    seconds_until(lambda: site.statuses(jobs) == {"succeeded"})
    refused(site.submit(), (503, "store_full"))
    site.redis.config_set("maxmemory", 0)
    seconds_until(lambda: site.submit().status_code in ACCEPTED)


def test_p9_an_installation_on_a_disk_that_is_full_to_the_last_byte_goes_on_by_itself(
    all_on_one_disk: OnSmallDisk,
) -> None:
    """The server cannot append to its file either, and so refuses every write: nothing can be moved."""
    site = all_on_one_disk
    processes = site.stack.processes()
    held = site.hold()
    jobs = site.accept(JOBS)
    site.await_running()
    site.disk.fill()
    held.unlink()
    eventually(lambda: site.redis.info("persistence")["aof_last_write_status"] == "err")
    until = time.monotonic() + 5  # longer than a lease: no heartbeat is heard meanwhile
    while time.monotonic() < until:
        refused(site.submit(), (507, "out_of_disk"), (503, "store_full"))
        refused(site.upload(), (507, "out_of_disk"), (503, "store_full"))
    site.disk.empty()
    seconds_until(lambda: site.statuses(jobs) == {"succeeded"})
    seconds_until(lambda: site.submit().status_code in ACCEPTED)
    assert {record["failures"] for record in site.records(jobs)} == {"0"}
    assert site.stack.processes() == processes  # none ended: starting again takes a worker's models longer
