"""What requests take before a long backlog, and while thousands of items are accepted at once."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import httpx

from bench.measuring import Goal, Table, percentile, timed
from bench.service.noop_service import BODY
from bench.service.scale_rig import Rig

LATENCY_GOAL = Goal(1.5)
READ_GOAL = Goal(20.0)  # milliseconds
READS = {  # what an operator and a page ask for, however much waits
    "the numbers of the queue": "/v1/stats",
    "a page of items that wait": "/v1/jobs?items=true&status=queued&model=nothing",
    "a page of a filter that admits nothing": "/v1/jobs?items=true&metadata=customer=nobody",
}
ACCEPT_GOAL = Goal(5.0)
ACCEPTED = 10_000  # items in one request
TURNS, REQUESTS = 6, 200  # for a percentile


def compare_latencies(idle: Rig, loaded: Rig, length: int) -> Table:
    """Compare requests without a backlog and behind one, in turns, while no worker runs."""
    table = Table(f"Requests with {length:,} items waiting and with none, p99 of {TURNS * REQUESTS}")
    turns = [(_latencies(idle), _latencies(loaded)) for _ in range(TURNS)]
    for index, name in enumerate(("submitting a job", "asking for a job")):
        before, after = (
            1000 * percentile([value for turn in turns for value in turn[side][index]], 99) for side in (0, 1)
        )
        table.add(f"{name}: none", before, "ms")
        table.add(f"{name}: {length:,}", after, "ms")
        table.add(f"{name}: ratio", after / before, "x", LATENCY_GOAL)
    for name, path in READS.items():
        table.add(f"{name}: {length:,}", 1000 * percentile(_reading(loaded, path), 99), "ms", READ_GOAL)
    return table


def _reading(rig: Rig, path: str) -> list[float]:
    with httpx.Client(base_url=rig.url, timeout=60) as client:
        return [timed(lambda: client.get(path).raise_for_status()) for _ in range(TURNS * REQUESTS)]


def _latencies(rig: Rig) -> tuple[list[float], list[float]]:
    """Return the seconds of submitting jobs and of asking for one."""
    with httpx.Client(base_url=rig.url, timeout=60) as client:
        paths = [_submit(client)]
        submitting = [timed(lambda: paths.append(_submit(client))) for _ in range(REQUESTS)]
        asking = [timed(lambda: client.get(paths[0]).raise_for_status()) for _ in range(REQUESTS)]
        for path in paths:
            client.post(f"{path}/cancel").raise_for_status()
    return submitting, asking


def _submit(client: httpx.Client) -> str:
    return f"/v1/jobs/{client.post('/v1/jobs', json=BODY).raise_for_status().json()['id']}"


def acceptance(rig: Rig) -> Table:
    """Send many items with one request, while others ask for a job."""
    table = Table(f"{ACCEPTED:,} items in one request")
    lines = "".join(json.dumps({**BODY, "seeds": [seed]}) + "\n" for seed in range(ACCEPTED))
    with httpx.Client(base_url=rig.url, timeout=120) as client:
        path = _submit(client)
        with _asking(rig.url, path) as alone:
            time.sleep(2)
        with _asking(rig.url, path) as meanwhile:
            began = time.perf_counter()
            batch = _send(client, lines)
            seconds = time.perf_counter() - began
        with _asking(rig.url, path) as withdrawing:
            client.post(f"/v1/batches/{batch}/cancel").raise_for_status()
    table.add("accepted in", seconds, "s", ACCEPT_GOAL)
    table.add("another's request alone: p99", 1000 * percentile(alone, 99), "ms")
    table.add("another's request meanwhile: p50", 1000 * percentile(meanwhile, 50), "ms")
    table.add("another's request meanwhile: p99", 1000 * percentile(meanwhile, 99), "ms")
    table.add("another's request while they are canceled: p99", 1000 * percentile(withdrawing, 99), "ms")
    return table


def _send(client: httpx.Client, lines: str) -> str:
    headers = {"Content-Type": "application/jsonl"}
    batch = client.post("/v1/batches", content=lines, headers=headers).raise_for_status().json()
    if batch["counts"]["total"] != ACCEPTED:
        raise RuntimeError(f"not all items were accepted: {batch['counts']}")
    return str(batch["id"])


@contextmanager
def _asking(url: str, path: str) -> Iterator[list[float]]:
    """Ask for a job again and again, ten milliseconds apart, while the block runs; collect the seconds."""
    seconds: list[float] = []
    stop = threading.Event()
    thread = threading.Thread(target=_ask, args=(url, path, seconds, stop.wait))
    thread.start()
    try:
        yield seconds
    finally:
        stop.set()
        thread.join()


def _ask(url: str, path: str, seconds: list[float], is_over: Callable[[float], bool]) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        client.get(path)
        while not is_over(0.01):
            seconds.append(timed(lambda: client.get(path).raise_for_status()))
