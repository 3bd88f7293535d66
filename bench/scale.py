"""What thousands of waiting items cost: each item carried out, and everybody else's requests.

The model does nothing, so that all that is left is Atelier. No worker runs while the backlog is built.

Usage: python -m bench.scale [--most N] [--workers N] [--jobs N] [--plot FILE]
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np

from bench.measuring import Goal, Table, percentile, timed
from bench.noop_service import BODY
from bench.processes import resident_mebibytes
from bench.scale_plot import draw_costs
from bench.scale_rig import Rig, scale_rig

FLAT_GOAL = Goal(1.1)
LATENCY_GOAL = Goal(1.5)
ACCEPT_GOAL = Goal(5.0)
SLOPE_GOAL = Goal(100.0)
ACCEPTED = 10_000  # items in one request
CARRIED = 1000  # items, at most, in one measurement
REQUESTS = 400  # for a percentile
SAMPLE_SECONDS = 0.25  # between two looks at memory
PLOT = Path(__file__).parent.parent / "docs" / "images" / "scale.png"

Costs = dict[int, dict[int, float]]  # processor milliseconds an item, by workers, then by items that wait


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100_000, help="items that wait, at most")
    parser.add_argument("--workers", type=int, default=4, help="workers, at most")
    parser.add_argument("--jobs", type=int, default=20_000, help="jobs over which memory is watched")
    parser.add_argument("--plot", type=Path, default=PLOT)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, scale_rig(Path(folder)) as rig:
        idle = latencies(rig)
        acceptance(rig).print()
        costs = measure_costs(rig, given.most, given.workers)
        compare_latencies(idle, latencies(rig), given.most).print()
        memory(rig, given.jobs).print()
    draw_costs(costs, given.plot)


def measure_costs(rig: Rig, most: int, workers: int) -> Costs:
    """Carry out some items at each length of the backlog with each number of workers; print both tables."""
    lengths = [10**power for power in range(2, 6) if 10**power <= most]
    rates = Table(f"Items carried out a second, by workers and items that wait, {CARRIED} or all of them")
    spent = Table("Processor time an item, of workers and server")
    costs: Costs = {count: {} for count in range(1, workers + 1)}
    for length in lengths:
        for count in costs:
            rate, cost = _carried(rig, length, count)
            costs[count][length] = 1000 * cost
            rates.add(f"{_workers(count)}, {length:,} waiting", rate, "/s")
            spent.add(f"{_workers(count)}, {length:,} waiting", 1000 * cost, "ms")
    for count, by_length in costs.items():
        large = [cost for length, cost in by_length.items() if length > CARRIED]
        if large:
            spent.add(f"{_workers(count)}: most / least", max(large) / min(large), "x", FLAT_GOAL)
    rates.print()
    spent.print()
    return costs


def _carried(rig: Rig, length: int, workers: int) -> tuple[float, float]:
    """Return items a second, and processor seconds an item; a short backlog is carried out several times."""
    done, seconds, spent = 0, 0.0, 0.0
    while done < CARRIED:
        rig.top_up(length)
        with rig.workers(workers):
            results = rig.carry(min(length, CARRIED))
        done, seconds, spent = done + results[0], seconds + results[1], spent + results[2]
    return done / seconds, spent / done


def _workers(count: int) -> str:
    return f"{count} worker{'s' * (count > 1)}"


def latencies(rig: Rig) -> tuple[float, float]:
    """Return the 99th percentiles of submitting a job and of asking for one, in ms, while no worker runs."""
    with httpx.Client(base_url=rig.url, timeout=60) as client:
        paths = [_submit(client)]
        submitting = [timed(lambda: paths.append(_submit(client))) for _ in range(REQUESTS)]
        asking = [timed(lambda: client.get(paths[0]).raise_for_status()) for _ in range(REQUESTS)]
        for path in paths:
            client.post(f"{path}/cancel").raise_for_status()
    return 1000 * percentile(submitting, 99), 1000 * percentile(asking, 99)


def _submit(client: httpx.Client) -> str:
    return f"/v1/jobs/{client.post('/v1/jobs', json=BODY).raise_for_status().json()['id']}"


def compare_latencies(idle: tuple[float, float], loaded: tuple[float, float], length: int) -> Table:
    """Compare requests without a backlog and behind one."""
    table = Table(f"Requests with {length:,} items waiting and with none, p99 of {REQUESTS}")
    for name, before, after in zip(("submitting a job", "asking for a job"), idle, loaded, strict=True):
        table.add(f"{name}: none", before, "ms")
        table.add(f"{name}: {length:,}", after, "ms")
        table.add(f"{name}: ratio", after / before, "x", LATENCY_GOAL)
    return table


def acceptance(rig: Rig) -> Table:
    """Send many items with one request, while others ask for a job."""
    table = Table(f"{ACCEPTED:,} items in one request")
    lines = "".join(json.dumps({**BODY, "seeds": [seed]}) + "\n" for seed in range(ACCEPTED))
    with httpx.Client(base_url=rig.url, timeout=120) as client:
        path = _submit(client)
        with _asking(rig.url, path) as alone:
            time.sleep(2)
        with _asking(rig.url, path) as meanwhile:
            seconds = timed(lambda: _send(client, lines))
    table.add("accepted in", seconds, "s", ACCEPT_GOAL)
    table.add("another's request alone: p99", 1000 * percentile(alone, 99), "ms")
    table.add("another's request meanwhile: p50", 1000 * percentile(meanwhile, 50), "ms")
    table.add("another's request meanwhile: p99", 1000 * percentile(meanwhile, 99), "ms")
    return table


def _send(client: httpx.Client, lines: str) -> None:
    headers = {"Content-Type": "application/jsonl"}
    batch = client.post("/v1/batches", content=lines, headers=headers).raise_for_status().json()
    if batch["counts"]["total"] != ACCEPTED:
        raise RuntimeError(f"not all items were accepted: {batch['counts']}")
    client.post(f"/v1/batches/{batch['id']}/cancel").raise_for_status()


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


def memory(rig: Rig, jobs: int) -> Table:
    """Watch one worker's memory over many jobs; the first quarter is not counted."""
    table = Table(f"Memory of a worker over {jobs:,} jobs")
    rig.top_up(jobs)
    before, done, sizes = rig.ended(), [0], [0.0]
    with rig.workers(1):
        rig.resume()
        while done[-1] < jobs:
            time.sleep(SAMPLE_SECONDS)
            done.append(rig.ended() - before)
            sizes.append(resident_mebibytes(*rig.pids))
    start = next(index for index, count in enumerate(done) if count >= jobs // 4)
    slope, _ = np.polyfit(np.array(done[start:]) / 1000, np.array(sizes[start:]) * 1024, 1)
    table.add("resident after a quarter", sizes[start], "MiB")
    table.add("resident at the end", sizes[-1], "MiB")
    table.add("slope, a thousand jobs", float(slope), "KiB", SLOPE_GOAL)
    return table


if __name__ == "__main__":
    main()
