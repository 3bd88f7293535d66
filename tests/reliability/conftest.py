"""A real installation with two model workers whose networks are stand-ins, and proxies before the server."""

import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from atelier.client.client import Client
from atelier.client.job import Job
from atelier.local.redis_server import own_server_url
from atelier.local.stack import RunningStack
from shared.redis.client import Client as RedisClient
from shared.redis.client import connect
from shared.workers import WorkerRoster
from tests.support.files import files_below
from tests.support.http.tcp_proxy import TcpProxy
from tests.support.models.light_models import GENERATOR, HOLD_VARIABLE, write_cards
from tests.support.waiting import eventually

LEASE_SECONDS = 5.0
GRACE_SECONDS = 3.0  # of workers told to stop; what they hold then goes elsewhere
LIGHT = (sys.executable, "-m", "tests.reliability.light")
WORKERS = ("worker", "worker-2")
SLOTS = 4  # jobs that a worker runs at once


@dataclass(frozen=True, slots=True)
class Site:
    """The installation, and what can be done to its connections and jobs."""

    stack: RunningStack
    proxies: dict[str, TcpProxy]  # by process: the workers and the API reach the server through one each
    client: Client
    redis: RedisClient  # straight to the server

    def submit(self) -> Job:
        return self.client.jobs.create({"type": "generate", "model": GENERATOR, "seed": 1})

    def hold(self, *names: str) -> None:
        """From now on, jobs of these workers do not end."""
        for name in names:
            with suppress(FileExistsError):
                self._hold_file(name).touch(exist_ok=False)

    def let_go(self, *names: str) -> None:
        for name in names or WORKERS:
            self._hold_file(name).unlink(missing_ok=True)

    def _hold_file(self, name: str) -> Path:
        return self.stack.folder / f"{name}.hold"

    def now(self) -> float:
        """The server's clock, in seconds."""
        seconds, micros = self.redis.time()
        return float(seconds + micros / 1e6)

    def record(self, job: Job) -> dict[str, str]:
        found: dict[str, str] = self.redis.hgetall(f"atelier:job:{job.id}")
        return found

    def is_held_by(self, job: Job, name: str) -> bool:
        record = self.record(job)
        return record["status"] == "running" and f"-{self.stack.pid_of(name)}-" in record.get("worker", "")

    def serves(self, name: str) -> bool:
        """Whether a worker is there and announces itself."""
        pid = self.stack.processes().get(name)
        return pid is not None and any(f"-{pid}-" in one.id for one in WorkerRoster(self.redis).live())

    def await_workers(self) -> None:
        eventually(lambda: all(self.serves(name) for name in WORKERS), seconds=60)

    def fill(self, *names: str) -> list[Job]:
        """Return new jobs that take every slot of these workers until `let_go`; slots of others stay free."""
        self.hold(*names)
        jobs: list[Job] = []

        def full() -> bool:
            held = [sum(self.is_held_by(job, name) for job in jobs) for name in names]
            return held == [SLOTS] * len(names)

        while not full():
            jobs.append(self.submit())
            eventually(lambda: self.record(jobs[-1])["status"] != "queued")
        return [job for job in jobs if any(self.is_held_by(job, name) for name in names)]

    def have_succeeded(self, jobs: list[Job]) -> bool:
        return all(self.record(job)["status"] == "succeeded" for job in jobs)

    def counts(self, job: Job) -> dict[str, int]:
        """How a job's attempts ended."""
        record = self.record(job)
        return {name: int(record[name]) for name in ("attempt", "released", "failures", "crashes")}

    def attempts_with_files(self, job: Job) -> list[str]:
        folder = self.stack.folder / "storage" / "outputs" / job.id
        return sorted(path.name for path in folder.iterdir() if files_below(path))


def _stack(folder: Path, proxies: dict[str, TcpProxy]) -> RunningStack:
    holds = {name: {HOLD_VARIABLE: str(folder / f"{name}.hold")} for name in WORKERS}
    through = {name: {"REDIS_URL": proxy.url} for name, proxy in proxies.items()}
    return RunningStack(
        folder,
        workers=len(WORKERS),
        environ={
            "ATELIER_JOBS_LEASE_SECONDS": str(LEASE_SECONDS),
            "ATELIER_WORKER_GRACE_SECONDS": str(GRACE_SECONDS),
            "ATELIER_WORKER_THREADS": str(SLOTS),
        },
        environ_of={name: holds.get(name, {}) | through[name] for name in proxies},
        wrap=dict.fromkeys(WORKERS, LIGHT),
    )


@pytest.fixture(scope="session")
def running_site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    folder = tmp_path_factory.mktemp("site")
    write_cards(folder / "cards")
    (folder / "cards" / "saved_model.pb").touch()  # the cards name their own folder as the model's
    names = (*WORKERS, "api")
    proxies = {name: TcpProxy(own_server_url(folder)) for name in names}
    for proxy in proxies.values():
        proxy.__enter__()
    with _stack(folder, proxies) as stack, stack.client() as client:
        redis = connect(stack.redis_url)
        yield Site(stack, proxies, client, redis)
        redis.close()
    for proxy in proxies.values():
        proxy.__exit__()


@pytest.fixture
def site(running_site: Site) -> Iterator[Site]:
    """The installation, calm: both workers serve and nothing is held."""
    running_site.await_workers()
    yield running_site
    for proxy in running_site.proxies.values():
        proxy.thaw()
    running_site.let_go()
