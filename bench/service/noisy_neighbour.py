"""What one owner feels of another whose quota is spent and who sends on and on.

B sends one job after the other and waits for each; told is the p99 of submit and first result. Meanwhile A
sends jobs without a pause on 8 connections, from a process of its own: once its pixels of the day are spent,
so that nothing of A is taken; and once its queue is full while one of its jobs runs at a time, so that A's
jobs are taken as fast as they run. The model waits for 50 ms and computes nothing: what two jobs on one
processor do to each other is another question. Rounds with and without A take turns, so that what else the
machine does hits both.

Usage: python -m bench.service.noisy_neighbour [--rounds N] [--jobs N]
"""

import argparse
import sys
import tempfile
import threading
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from time import monotonic, perf_counter

import httpx

from atelier.local.redis_server import EmbeddedServer
from bench.measuring import Goal, Table, percentile
from bench.processes import running, wait_until
from bench.service.noop_service import environ_of, is_reachable
from bench.service.noop_worker import CARD, write_card
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from shared.owners.quota import NO_QUOTAS, QuotaStore
from shared.redis.client import connect
from shared.redis.scripts import Scripts
from shared.workers import WorkerRoster

CONNECTIONS = 8
SETTLE_SECONDS = 2.0
WARM_UP_JOBS = 20
GOAL = Goal(1.5)
JOB = {"type": "generate", "model": CARD.name, "seed": 7}
MODEL_SECONDS = 0.05
FLOODS = {  # A's quota, by what is spent
    "A's pixels of the day are spent": {"daily_pixels": 1, "queued": 0, "running": 0},
    "A's queue is full, one job of A runs": {"daily_pixels": 0, "queued": 50, "running": 1},
}


@dataclass
class Seen:
    """Seconds that B's jobs took."""

    submit: list[float] = field(default_factory=list)
    result: list[float] = field(default_factory=list)  # from before the submission

    def add(self, http: httpx.Client) -> None:
        """Send a job and wait for its result."""
        began = perf_counter()
        response = http.post("/v1/jobs", json=JOB)
        self.submit.append(perf_counter() - began)
        job = response.json()
        while not job["done"]:
            job = http.get(f"/v1/jobs/{job['id']}", params={"wait": 30}).json()
        self.result.append(perf_counter() - began)


@dataclass(frozen=True, slots=True)
class Service:
    """A running service, with two owners."""

    url: str
    quotas: QuotaStore
    key_of_a: str
    key_of_b: str


@contextmanager
def serving(folder: Path) -> Iterator[Service]:
    """Run the API and one worker while the block runs."""
    with EmbeddedServer(folder / "redis") as server, connect(server.url) as client:
        environ = environ_of(folder, server.url, write_card(folder / "cards"))
        environ["NOOP_SECONDS"] = str(MODEL_SECONDS)
        url = f"http://127.0.0.1:{environ['ATELIER_API_PORT']}"
        web = ["gunicorn", "-c", "python:api.gunicorn_conf", "api.wsgi:create()"]
        worker = ["bench.service.noop_worker"]
        with running(web, environ, folder / "api.log"), running(worker, environ, folder / "worker.log"):
            wait_until(lambda: bool(WorkerRoster(client).live()), "a worker")
            wait_until(lambda: is_reachable(f"{url}/healthz"), "the API")
            scripts = Scripts(client)
            keys = [str(KeyStore(scripts).create(o, owner=o, scopes=DEFAULT_SCOPES)[1]) for o in ("a", "b")]
            yield Service(url, QuotaStore(scripts, NO_QUOTAS), *keys)


def client_of(url: str, key: str) -> httpx.Client:
    """Return an HTTP client with a key."""
    return httpx.Client(base_url=url, headers={"Authorization": f"Bearer {key}"}, timeout=60)


def flood(url: str, key: str) -> None:
    """Send A's jobs until this process is ended; print what came of them now and then."""
    statuses: Counter[int] = Counter()

    def send() -> None:
        with client_of(url, key) as http:
            while True:
                statuses[http.post("/v1/jobs", json=JOB).status_code] += 1

    with ThreadPoolExecutor(CONNECTIONS) as pool:
        for _ in range(CONNECTIONS):
            pool.submit(send)
        began = monotonic()
        while True:
            threading.Event().wait(SETTLE_SECONDS)
            print(f"{monotonic() - began:.0f} s: {dict(statuses)}", flush=True)


@contextmanager
def flooded(service: Service, name: str, folder: Path) -> Iterator[None]:
    """Have A send while the block runs, with a quota that is spent soon."""
    service.quotas.set("a", FLOODS[name])
    with client_of(service.url, service.key_of_a) as http:
        http.post("/v1/jobs", json=JOB)
    command = ["bench.service.noisy_neighbour", "--flood", service.url, service.key_of_a]
    with running(command, {}, folder / "flood.log"):
        threading.Event().wait(SETTLE_SECONDS)
        yield
    wait_until(lambda: not service.quotas.read("a").used["queued"], "A's jobs to end")


def measure(service: Service, name: str, *, rounds: int, jobs: int, folder: Path) -> None:
    """Print B's times alone and beside A, and their ratio."""
    alone, beside = Seen(), Seen()
    table = Table(f"{name}: B beside A, and alone")
    with client_of(service.url, service.key_of_b) as http:
        for _ in range(WARM_UP_JOBS):
            Seen().add(http)
        for _ in range(rounds):
            for _ in range(jobs):
                alone.add(http)
            with flooded(service, name, folder):
                for _ in range(jobs):
                    beside.add(http)
    for what in ("submit", "result"):
        for percent in (50, 99):
            before, after = (1000 * percentile(getattr(seen, what), percent) for seen in (alone, beside))
            table.add(f"p{percent} of {what}, alone", before, "ms")
            table.add(f"p{percent} of {what}, beside A", after, "ms")
            table.add(f"p{percent} of {what}, ratio", after / before, goal=GOAL if percent == 99 else None)
    table.print()
    print(f"  A: {(folder / 'flood.log').read_text().splitlines()[-1]}", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--jobs", type=int, default=200, help="of B in each round, alone and again beside A")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with serving(folder) as service:
            for each in FLOODS:
                measure(service, each, rounds=arguments.rounds, jobs=arguments.jobs, folder=folder)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--flood"]:
        flood(*sys.argv[2:])
    else:
        main()
