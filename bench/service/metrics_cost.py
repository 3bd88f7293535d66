"""What metrics cost: processor time a job in the server and in a worker, time a request and a scrape, memory.

Processor time, not time on the clock: a busy machine changes little of it. Ways go in turns. `without` is the
same code with the counting taken out of the scripts, and a worker whose port is off.

Usage: python -m bench.service.metrics_cost [--jobs N] [--rounds N]
"""

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any
from unittest.mock import patch

from flask import Flask, Response, g
from prometheus_client import CollectorRegistry

from api.app import create_app
from api.metrics.registry import METRICS, Metrics
from api.services import build_services
from atelier.local.redis_server import EmbeddedServer
from bench.measuring import Table
from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.job import Job, StoredOutput
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.redis import scripts
from shared.redis.client import Client, connect
from shared.setting_groups import JobRules
from shared.settings import Settings
from shared.specs.spec import JOB_SPEC, resolve
from worker.metrics import JobMetrics, Observer

COUNTING = ("redis.call('HINCRBY', TOTALS", "redis.call('HSET', TOTALS")
STAGES = {"load": 0.001, "preprocess": 0.001, "predict": 0.01, "encode": 0.002, "store": 0.003}
OUTPUT = StoredOutput("outputs/k", "image/png", 28, 28, 500, "0" * 64, seed=7)
SPEC = resolve(JOB_SPEC.validate_python({"type": "generate", "seeds": [7]}), load_catalog())


IMPORT = "import api.services, api.requests.forms, api.docs.document, httpx, ssl"
OWN_MEMORY = """
import gc, re, sys
gc.collect()
print(int(re.search(r"RssAnon:\\s+(\\d+)", open("/proc/self/status").read())[1]) / 1024)
"""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=1000, help="in a turn")
    parser.add_argument("--rounds", type=int, default=9, help="turns each way")
    arguments = parser.parse_args()
    table = Table("What metrics cost")
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        with connect(server.url) as client:
            measure_server(table, client, arguments.jobs, arguments.rounds)
        measure_api(table, Settings(redis_url=server.url, state_dir=Path(folder)))
    measure_worker(table, arguments.jobs, arguments.rounds)
    measure_import(table)
    table.print()


def measure_server(table: Table, client: Client, jobs: int, rounds: int) -> None:
    """The server's processor time for a job: submitted, claimed, done."""
    ways = {"with": JobStore(client, JobRules()), "without": _store_without(client)}
    spent: dict[str, list[float]] = {name: [] for name in ways}
    for number in range(rounds + 1):
        for name in sorted(ways, reverse=number % 2 == 0):  # the first may find the machine colder
            took = _server_seconds(client, partial(_run, ways[name], jobs))
            if number:  # the first round warms up
                spent[name].append(took / jobs)
    pairs = list(zip(spent["with"], spent["without"], strict=True))
    table.add("server, a job without counting", 1e6 * median(spent["without"]), "us")
    table.add("server, what counting adds", 1e6 * median(ours - base for ours, base in pairs), "us")
    table.add("server, with / without", median(ours / base for ours, base in pairs), "x")


def _store_without(client: Client) -> JobStore:
    program = scripts.program

    def without(name: str) -> str:
        lines = program(name).splitlines()
        return "\n".join("" if _counts(line) else line for line in lines)

    with patch.object(scripts, "program", without):
        return JobStore(client, JobRules())


def _counts(line: str) -> bool:
    return line.lstrip().startswith(("count_total(", *COUNTING))


def _run(store: JobStore, jobs: int) -> None:
    for _ in range(jobs):
        job_id = store.submit(Submission(new_job_id(), ANONYMOUS, SPEC, "f")).id
        job = _claimed(store, job_id)
        store.succeed(job.id, job.attempt, outputs=(OUTPUT,), timings=STAGES, model=("1", "d"))
        store.delete(job_id, ANONYMOUS)


def _claimed(store: JobStore, job_id: str) -> Job:
    job = store.claim(job_id, "w1")
    assert job is not None
    return job


def _server_seconds(client: Client, action: Callable[[], object]) -> float:
    def used() -> float:
        told: dict[str, Any] = client.info("cpu")
        return float(told["used_cpu_user"]) + float(told["used_cpu_sys"])

    before = used()
    action()
    return used() - before


def measure_worker(table: Table, jobs: int, rounds: int) -> None:
    """A worker's processor time for what it notes of a job."""
    job = Job(
        id="job_1", owner=ANONYMOUS, status="running", lane=SPEC.lane, spec=SPEC, inputs={}, version=1,
        attempt=1, released=0, failures=0, crashes=0, sequence=1, created_at=1, not_before=1, started_at=20,
    )  # fmt: skip
    spent = {}
    for name, observer in {"off": Observer(), "on": JobMetrics(CollectorRegistry())}.items():
        times = [_noted(observer, job, jobs) for _ in range(rounds)]
        spent[name] = median(times) / jobs
    table.add("worker, what it notes of a job", 1e6 * spent["on"], "us")
    table.add("worker, the same with no port", 1e6 * spent["off"], "us")


def _noted(observer: Observer, job: Job, jobs: int) -> float:
    began = time.process_time()
    for _ in range(jobs):
        observer.claimed(job)
        observer.called("mnist-dcgan", 4)
        observer.succeeded("mnist-dcgan", 0.02, STAGES)
    return time.process_time() - began


def measure_api(table: Table, settings: Settings) -> None:
    """The API's processor time for noting a request, and for a scrape."""
    app = create_app(build_services(settings))
    metrics: Metrics = app.extensions[METRICS]
    response, times = Response(), []
    with app.test_request_context("/v1/jobs"):
        g.began = time.perf_counter()
        for _ in range(9):
            began = time.process_time()
            for _ in range(2000):
                metrics.http.note(response)
            times.append((time.process_time() - began) / 2000)
    table.add("API, what it notes of a request", 1e6 * median(times), "us")
    table.add("API, a scrape", 1e3 * median(_scrape(app) for _ in range(25)), "ms")


def _scrape(app: Flask) -> float:
    began = time.process_time()
    with patch("shared.metrics.snapshot.FRESH_SECONDS", 0.0):
        app.test_client().get("/metrics")
    return time.process_time() - began


def measure_import(table: Table) -> None:
    """Memory that the library takes beside what the API imports anyway."""
    ways = {"without": IMPORT, "with": f"{IMPORT}, prometheus_client"}
    sizes = {name: median(_own_memory(code) for _ in range(7)) for name, code in ways.items()}
    table.add("memory of prometheus-client", sizes["with"] - sizes["without"], "MiB")


def _own_memory(code: str) -> float:
    command = [sys.executable, "-c", f"{code}{OWN_MEMORY}"]
    return float(subprocess.run(command, capture_output=True, check=True, text=True).stdout)


if __name__ == "__main__":
    main()
