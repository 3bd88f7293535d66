"""A batch of photos through the whole service, against the bare model in a loop.

The photos are uploaded beforehand and the results stay in the service; the loop has decoded photos in memory,
knows the style, and throws its results away.
"""

from contextlib import ExitStack
from statistics import median

from atelier import Client
from atelier.client.requests import Style, StylizeRequest
from atelier.local.stack import RunningStack
from bench.loops import fastest
from bench.measuring import Goal, Table, timed
from bench.photos import photo, style
from bench.processes import cpu_seconds, with_children

GOAL = Goal(0.95, at_least=True)
SIDE = 384
TRIAL = 20  # photos to choose the loop's threads by


def compare_with_model(stack: RunningStack, size: int, rounds: int) -> Table:
    """Take turns; compare the pictures a second of each pair of rounds."""
    table = Table(f"Photos of {SIDE} x {SIDE} as batches, {rounds} rounds of {size} each contender")
    with stack.client() as client, ExitStack() as processes:
        files = [client.upload(photo(number, SIDE)) for number in range(rounds * size)]
        look = client.upload(style())
        _through(client, files[:TRIAL], look)
        trial = [(number,) for number in range(TRIAL)]
        bare, _ = fastest(processes, "bare-stylizer", stack.folder / "models", SIDE, trial=trial)
        alone, through, cpu = [], [], []
        for start in range(0, rounds * size, size):
            alone.append(size / bare.seconds([(number,) for number in range(start, start + size)]))
            before = _cpu_seconds(stack)
            through.append(size / timed(lambda: _through(client, files[start : start + size], look)))  # noqa: B023
            cpu.append((_cpu_seconds(stack) - before) / size)
    table.add("bare model", median(alone), "/s")
    table.add("through the service", median(through), "/s")
    table.add("through the service: processor time a picture", 1000 * median(cpu), "ms")
    ratios = [ours / theirs for ours, theirs in zip(through, alone, strict=True)]
    table.add("service / bare model: median", median(ratios), "x", GOAL)
    table.add("service / bare model: best round", max(ratios), "x")
    return table


def _through(client: Client, files: list[str], look: str) -> None:
    batch = client.batch(StylizeRequest(content=file, styles=[Style(image=look)]) for file in files).wait()
    if batch.counts["succeeded"] != len(files):
        raise RuntimeError(f"of {len(files)} photos: {batch.counts}")


def _cpu_seconds(stack: RunningStack) -> float:
    return cpu_seconds(*(pid for process in stack.processes().values() for pid in with_children(process)))
