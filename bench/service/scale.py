"""What thousands of waiting items cost: each item carried out, and everybody else's requests.

The model does nothing, so that all that is left is Atelier. Each length of backlog waits in another
installation, and these take turns: a machine that is slower for a while is slower for all.

Usage: python -m bench.service.scale [--most N] [--workers N] [--jobs N] [--plot FILE]
"""

import argparse
import tempfile
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import mean, median

import numpy as np
from matplotlib.figure import Figure

from bench.measuring import Goal, Table
from bench.processes import resident_mebibytes
from bench.service.scale_requests import acceptance, compare_latencies
from bench.service.scale_rig import Rig, scale_rig

FLAT_GOAL = Goal(1.1)
SLOPE_GOAL = Goal(100.0)
COST_TURNS, CARRIED = 9, 600  # items that are carried out in a turn
SAMPLE_SECONDS = 0.25  # between two measurements of memory
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


def draw_costs(costs: Costs, path: Path) -> None:
    """Draw milliseconds by workers, then by items that wait; the axis of items is logarithmic."""
    figure = Figure((7.6, 3.2), layout="constrained")
    axes = figure.subplots()
    for workers, by_length in costs.items():
        axes.plot(*zip(*sorted(by_length.items()), strict=True), marker="o", label=_workers(workers))
    lengths = sorted({length for by_length in costs.values() for length in by_length})
    axes.set(xscale="log", ylim=(0, 1.25 * max(axes.get_ylim())))
    axes.set_title("processor time an item, ms, by items that wait", loc="left")
    axes.set_xticks(lengths, [f"{length:,}" for length in lengths])
    axes.minorticks_off()
    axes.grid(axis="y", color="#dddddd")
    figure.legend(loc="outside right upper", frameon=False)
    figure.savefig(path)


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
