"""A batch of photos through the whole service, against the bare model in a loop.

The photos are uploaded beforehand and the results stay in the service; the loop has decoded photos in memory,
knows the style, and throws its results away.
"""

from contextlib import ExitStack
from statistics import median

from atelier import Client
from atelier.client.request_parts import Style
from atelier.client.requests import StylizeRequest
from atelier.local.stack import RunningStack
from bench.measuring import Goal, Table, timed
from bench.photos import photo, style
from bench.processes import cpu_seconds, with_children
from bench.service.bare_stylizer import BareStylizer

GOAL = Goal(0.95, at_least=True)
SIDE = 384
TRIAL = 20  # photos to choose the loop's threads by
THREADS = (0, 1)


def compare_with_model(stack: RunningStack, size: int, rounds: int) -> Table:
    """Take turns; compare the pictures a second of each pair of rounds."""
    table = Table(f"Photos of {SIDE} x {SIDE} as batches, {rounds} rounds of {size} each way")
    with stack.client() as client, ExitStack() as processes:
        files = [client.files.upload(photo(number, SIDE)) for number in range(rounds * size)]
        look = client.files.upload(style())
        _through(client, files[:TRIAL], look)
        bare = _fastest(processes, stack)
        alone, through, cpu = [], [], []
        for start in range(0, rounds * size, size):
            alone.append(bare.rate(start, size))
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
    batch = client.batches.create(
        StylizeRequest(content=file, styles=[Style(image=look)]) for file in files
    ).wait()
    if batch.counts["succeeded"] != len(files):
        raise RuntimeError(f"of {len(files)} photos: {batch.counts}")


def _cpu_seconds(stack: RunningStack) -> float:
    return cpu_seconds(*(pid for process in stack.processes().values() for pid in with_children(process)))


def _fastest(processes: ExitStack, stack: RunningStack) -> BareStylizer:
    models = stack.folder / "models"
    ways = [processes.enter_context(BareStylizer(models, SIDE, threads)) for threads in THREADS]
    return max(ways, key=lambda bare: bare.rate(0, TRIAL))
