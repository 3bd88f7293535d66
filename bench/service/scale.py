"""What thousands of waiting items cost: each item carried out, and everybody else's requests.

The model does nothing, so that all that is left is Atelier. Backlogs of each length wait in installations of
their own, which take turns: a machine that is slower for a while is slower for all.

Usage: python -m bench.service.scale [--most N] [--workers N] [--jobs N] [--plot FILE]
"""

import argparse
import json
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import mean, median

import httpx
import numpy as np

from bench.measuring import Goal, Table, percentile, timed
from bench.processes import resident_mebibytes
from bench.service.noop_service import BODY
from bench.service.scale_plot import draw_costs
from bench.service.scale_rig import Rig, scale_rig

FLAT_GOAL = Goal(1.1)
LATENCY_GOAL = Goal(1.5)
ACCEPT_GOAL = Goal(5.0)
SLOPE_GOAL = Goal(100.0)
ACCEPTED = 10_000  # items in one request
COST_TURNS, CARRIED = 9, 600  # items that are carried out in a turn
TURNS, REQUESTS = 6, 200  # for a percentile
SAMPLE_SECONDS = 0.25  # between two looks at memory
PLOT = Path(__file__).parents[2] / "docs" / "images" / "scale.png"

Costs = dict[int, dict[int, float]]  # processor milliseconds an item, by workers, then by items that wait


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--most", type=int, default=100_000, help="items that wait, at most")
    parser.add_argument("--workers", type=int, default=4, help="workers, at most")
    parser.add_argument("--jobs", type=int, default=40_000, help="jobs over which memory is watched")
    parser.add_argument("--plot", type=Path, default=PLOT)
    given = parser.parse_args()
    lengths = [0, *(10**power for power in range(2, 6) if 10**power <= given.most)]
    with tempfile.TemporaryDirectory() as folder, ExitStack() as stack:
        rigs = {length: stack.enter_context(scale_rig(Path(folder) / str(length))) for length in lengths}
        acceptance(rigs[0]).print()
        rigs[given.most].backlog(given.most)
        compare_latencies(rigs[0], rigs[given.most], given.most).print()
        costs = measure_costs({length: rigs[length] for length in lengths[1:]}, given.workers)
        memory(rigs[0], given.jobs).print()
    draw_costs(costs, given.plot)


def measure_costs(rigs: Mapping[int, Rig], workers: int) -> Costs:
    """Carry out items at each length of the backlog with each number of workers; print both tables."""
    rates = Table(f"Items carried out a second, by workers and items that wait, {COST_TURNS} times {CARRIED}")
    spent = Table("Processor time an item, of workers and server")
    costs: Costs = {}
    for length, rig in rigs.items():
        rig.backlog(length)
    for count in range(1, workers + 1):
        measured = _turns(rigs, count)
        turns = [{length: 1000 * cost for length, (_, cost) in turn.items()} for turn in measured]
        costs[count] = {length: median(turn[length] for turn in turns) for length in rigs}
        for length in rigs:
            rates.add(f"{_workers(count)}, {length:,}", median(turn[length][0] for turn in measured), "/s")
            spent.add(f"{_workers(count)}, {length:,}", costs[count][length], "ms")
        spent.add(f"{_workers(count)}: most / least", _spread(turns), "x", FLAT_GOAL)
    rates.print()
    spent.print()
    return costs


def _turns(rigs: Mapping[int, Rig], workers: int) -> list[dict[int, tuple[float, float]]]:
    with ExitStack() as stack:
        for rig in rigs.values():
            stack.enter_context(rig.workers(workers))
        return [{length: _carried(rig, length) for length, rig in rigs.items()} for _ in range(COST_TURNS)]


def _carried(rig: Rig, length: int) -> tuple[float, float]:
    """Return items a second, and processor seconds an item; a short backlog is carried out several times."""
    items = min(length, CARRIED)
    results = [rig.carry(rig.top_up(length), items) for _ in range(CARRIED // items)]
    done, seconds, spent = (sum(part) for part in zip(*results, strict=True))
    return done / seconds, spent / done


def _spread(turns: Sequence[Mapping[int, float]]) -> float:
    """Return the highest cost by the lowest, each the median of its share in a turn's mean."""
    shares = [median(turn[length] / mean(turn.values()) for turn in turns) for length in turns[0]]
    return max(shares) / min(shares)


def _workers(count: int) -> str:
    return f"{count} worker{'s' * (count > 1)}"


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
    return table


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


def memory(rig: Rig, jobs: int) -> Table:
    """Watch one worker's memory over many jobs; the first quarter is not counted."""
    table = Table(f"Memory of a worker over {jobs:,} jobs")
    runs = rig.backlog(jobs)
    before, done, sizes = rig.ended(runs), [0], [0.0]
    with rig.workers(1):
        rig.resume()
        while done[-1] < jobs:
            time.sleep(SAMPLE_SECONDS)
            done.append(rig.ended(runs) - before)
            sizes.append(resident_mebibytes(*rig.pids))
    start = next(index for index, count in enumerate(done) if count >= jobs // 4)
    slope, _ = np.polyfit(np.array(done[start:]) / 1000, np.array(sizes[start:]) * 1024, 1)
    table.add("resident after a quarter", sizes[start], "MiB")
    table.add("resident at the end", sizes[-1], "MiB")
    table.add("slope, a thousand jobs", float(slope), "KiB", SLOPE_GOAL)
    return table


if __name__ == "__main__":
    main()
