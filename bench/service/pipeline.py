"""Stylization through the whole service against the bare model in a loop, in pictures a second.

The service gets uploaded photos as jobs over HTTP and stores encoded files; the loop has decoded photos in
memory and throws its results away. They take turns, the other one idle. The loop runs with TensorFlow's own
choice of threads or with one, whichever is faster here.

Usage: python -m bench.service.pipeline [--side PIXELS] [--rounds N] [--round-size N]
"""

import argparse
import statistics
import tempfile
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from atelier.local.stack import RunningStack
from bench.loops import Loop, fastest
from bench.measuring import Goal, Table, timed
from bench.processes import cpu_seconds, with_children
from bench.service.stylize_client import StylizeClient

GOAL = Goal(0.85, at_least=True)
TRIAL = 20  # photos to choose the loop's threads by


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=384, help="of the photos, in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--round-size", type=int, default=200, help="photos a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RunningStack(Path(folder)) as stack:
        compare(stack, arguments.side, arguments.rounds, arguments.round_size).print()


@dataclass(frozen=True, slots=True)
class Round:
    """The turn of one contender."""

    rate: float  # pictures a second
    cpu: float  # seconds of processor time a picture


def compare(stack: RunningStack, side: int, rounds: int, size: int) -> Table:
    """Take turns and compare the pictures a second of each pair of rounds."""
    table = Table(f"Stylization at {side} x {side}, {rounds} rounds of {size} photos each way")
    client = StylizeClient(stack.url, side)
    contents = client.upload(0, rounds * size)
    client.stylize(client.upload(rounds * size, TRIAL))
    with ExitStack() as processes:
        trial = [(number,) for number in range(TRIAL)]
        bare, threads = fastest(processes, "bare-stylizer", stack.folder / "models", side, trial=trial)
        alone, through = [], []
        for start in range(0, rounds * size, size):
            alone.append(_alone(bare, start, size))
            through.append(_through(stack, client, contents[start : start + size]))
    _report(table, f"bare model, {threads or 'default'} threads", alone)
    _report(table, "through the service", through)
    ratios = [ours.rate / theirs.rate for ours, theirs in zip(through, alone, strict=True)]
    table.add("service / bare model: median", statistics.median(ratios), "x", GOAL)
    table.add("service / bare model: worst round", min(ratios), "x")
    table.add("service / bare model: best round", max(ratios), "x")
    return table


def _alone(bare: Loop, first: int, count: int) -> Round:
    before = cpu_seconds(bare.pid)
    seconds = bare.seconds([(number,) for number in range(first, first + count)])
    return Round(count / seconds, (cpu_seconds(bare.pid) - before) / count)


def _through(stack: RunningStack, client: StylizeClient, contents: list[str]) -> Round:
    pids = [pid for process in stack.processes().values() for pid in with_children(process)]
    before = cpu_seconds(*pids)
    seconds = timed(lambda: client.stylize(contents))
    return Round(len(contents) / seconds, (cpu_seconds(*pids) - before) / len(contents))


def _report(table: Table, name: str, rounds: list[Round]) -> None:
    table.add(f"{name}: median", statistics.median(each.rate for each in rounds), "/s")
    milliseconds = 1000 * statistics.median(each.cpu for each in rounds)
    table.add(f"{name}: processor time a picture", milliseconds, "ms")


if __name__ == "__main__":
    main()
