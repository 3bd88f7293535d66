"""What Atelier adds to a job: a job that does nothing, against a bare Celery task on the same server.

Both run in a pool of as many threads, one at a time, in turns of a few. A bare task's user sees its end by
the result backend on the same server; Atelier's by the job's event stream, or by the response to a submission
with `Prefer: wait`. The contender over HTTP is Flask around the same Celery task, on the same web server.

Usage: python -m bench.service.overhead [--jobs N] [--submissions N]
"""

import argparse
import os
import signal
import tempfile
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from time import perf_counter

import httpx

from bench.measuring import Goal, Table, percentile, timed
from bench.processes import wait_until
from bench.service.noop_service import BODY, WAIT_SECONDS, Atelier, Services, noop_service
from shared.identifiers import ANONYMOUS

TURN = 10  # calls of one contender before the next one's turn
WARM_UP = 20
CLIENTS = (1, 8, 32)
LATENCY_GOAL = Goal(1.5)
CONTENDERS = ("bare Celery", "Atelier, store", "bare Flask + Celery", "Atelier, HTTP")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300, help="jobs each way")
    parser.add_argument("--submissions", type=int, default=600, help="submissions for each rate")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, noop_service(Path(folder)) as services:
        measure_latency(services, arguments.jobs).print()
        measure_stages(services.atelier, arguments.jobs).print()
        measure_rates(services, arguments.submissions).print()


def measure_latency(services: Services, jobs: int) -> Table:
    """From sending to the end being seen."""
    table = Table(f"No-op job, {jobs} each way, one at a time")
    with httpx.Client(timeout=WAIT_SECONDS) as client:
        actions = dict(zip(CONTENDERS, _actions(services, client), strict=True))
        for action in actions.values():
            _repeat(action, WARM_UP)
        times: dict[str, list[float]] = {name: [] for name in actions}
        for _ in range(-(-jobs // TURN)):
            for name, action in actions.items():
                times[name].extend(_repeat(action, TURN))
    for name, values in times.items():
        for percent in (50, 95):
            table.add(f"{name}: p{percent}", 1000 * percentile(values, percent), "ms")
    _compare(table, times, CONTENDERS[0], CONTENDERS[1], LATENCY_GOAL)
    _compare(table, times, CONTENDERS[2], CONTENDERS[3], None)
    return table


def _compare(table: Table, times: dict[str, list[float]], base: str, ours: str, goal: Goal | None) -> None:
    for percent in (50, 95):
        ratio = percentile(times[ours], percent) / percentile(times[base], percent)
        table.add(f"{ours} / {base}: p{percent}", ratio, "x", goal if percent == 50 else None)


def _actions(services: Services, client: httpx.Client) -> Iterator[Callable[[], object]]:
    yield lambda: services.bare.send_task("bare.nothing", (1,)).get(timeout=WAIT_SECONDS)
    yield services.atelier.run
    yield lambda: client.post(f"{services.bare_url}/jobs").raise_for_status()
    waiting = {"Prefer": f"wait={WAIT_SECONDS:g}"}
    yield lambda: _done(client.post(f"{services.atelier.url}/v1/jobs", json=BODY, headers=waiting))


def _done(response: httpx.Response) -> None:
    if response.status_code != httpx.codes.OK:
        raise RuntimeError(f"{response.status_code}: {response.text}")


def _repeat(action: Callable[[], object], times: int) -> list[float]:
    return [timed(action) for _ in range(times)]


def measure_stages(atelier: Atelier, jobs: int) -> Table:
    """How much of a no-op job goes into making and storing its picture."""
    table = Table(f"Inside the worker, {jobs} jobs")
    found = atelier.queries.page(ANONYMOUS, limit=min(jobs, 1000)).items
    for stage in found[0].timings:
        values = [job.timings[stage] for job in found]
        table.add(f"{stage}: p50", 1000 * percentile(values, 50), "ms")
    return table


def measure_rates(services: Services, submissions: int) -> Table:
    """Accepted jobs a second while no worker takes any, then how fast a worker gets through them."""
    table = Table(f"Rates, {submissions} submissions each")
    atelier, send = services.atelier, services.bare.send_task
    with paused(services.bare_pid):
        sent = _rate(lambda: send("bare.nothing", (1,), ignore_result=True), submissions)
    done = _drain_rate(lambda: int(atelier.store.client.llen("bare")))
    with paused(atelier.worker_pid):
        stored = _rate(atelier.submit, submissions)
    carried_out = _drain_rate(atelier.waiting)
    with paused(atelier.worker_pid):
        over_http = {count: _http_rate(atelier.url, submissions, count) for count in CLIENTS}
    table.add("bare Celery: tasks sent by one thread", sent, "/s")
    table.add("Atelier, store: jobs submitted by one thread", stored, "/s")
    table.add("store / bare Celery: submitted", stored / sent, "x")
    for count, rate in over_http.items():
        table.add(f"Atelier, HTTP: jobs submitted by {count} client{'s' * (count > 1)}", rate, "/s")
    table.add("bare Celery: tasks carried out by one worker", done, "/s")
    table.add("Atelier: jobs carried out by one worker", carried_out, "/s")
    table.add("Atelier / bare Celery: carried out", carried_out / done, "x")
    return table


def _drain_rate(left: Callable[[], int]) -> float:
    """How many a second a worker takes, from what is left to nothing."""
    before = left()
    return before / timed(lambda: wait_until(lambda: not left(), "an empty queue"))


@contextmanager
def paused(pid: int) -> Iterator[None]:
    """Hold a process still while the block runs."""
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def _rate(action: Callable[[], object], times: int) -> float:
    return times / sum(_repeat(action, times))


def _http_rate(url: str, submissions: int, clients: int) -> float:
    start = threading.Barrier(clients + 1)
    share = -(-submissions // clients)
    failures: list[BaseException] = []
    threads = [
        threading.Thread(target=_submit_many, args=(url, share, start, failures)) for _ in range(clients)
    ]
    for thread in threads:
        thread.start()
    start.wait()
    began = perf_counter()
    for thread in threads:
        thread.join()
    _raise_first(failures)
    return share * clients / (perf_counter() - began)


def _submit_many(url: str, times: int, start: threading.Barrier, failures: list[BaseException]) -> None:
    with httpx.Client(base_url=url, timeout=WAIT_SECONDS) as client:
        client.get("/healthz")
        start.wait()
        try:
            for _ in range(times):
                client.post("/v1/jobs", json=BODY).raise_for_status()
        except httpx.HTTPError as error:
            failures.append(error)


def _raise_first(failures: Sequence[BaseException]) -> None:
    if failures:
        raise failures[0]


if __name__ == "__main__":
    main()
