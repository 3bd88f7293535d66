"""What a GPU gives: pictures a second by size and micro-batch, memory, and the time to a first picture.

It runs on a CPU too, and says what it ran on. Each network and size has a process of its own, so that memory
which runs out costs only rows. `served` is the stylization network as workers run it: in one call it paints
one photo after the other, so that bytes do not depend on the batch. `layer by layer` is the network as the
papers have it, each layer over all photos at once: what a batch gives there, no worker gives today.

Usage: python -m bench.models.gpu [--sizes 384x384 1024x1024] [--batches 1 2 4 8 16] [--minutes 7.5] [--quick]
"""

from __future__ import annotations

import argparse
import json
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from itertools import product
from time import monotonic
from typing import Any

from bench.measuring import machine
from bench.models.gpu_rates import DIGITS, LAYERS, MODEL_OF, NO_MEMORY, SERVED, Row, Size

RATE_COLUMNS = ("network", "size", "a call", "pictures/s", "to one a call", "MiB", "")
FIRST_COLUMNS = ("first picture, s", "import", "load", "warm", "paint", "in all")
DIGIT_SIZE = (28, 28)
SIZES = [(384, 384), (384, 256), (1024, 1024)]
QUICK_SIZE = (64, 48)
NO_TIME = "no time left"

Task = tuple[str, Size]  # way and size
Rates = list[tuple[Task, Row]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument(
        "--sizes", type=_size, nargs="+", default=SIZES, help="WIDTHxHEIGHT of photos, pixels"
    )
    parser.add_argument(
        "--batches", type=int, nargs="+", default=[1, 2, 4, 8, 16], help="pictures in one call"
    )
    parser.add_argument("--seconds", type=float, default=3.0, help="for which each row is measured, at least")
    parser.add_argument("--minutes", type=float, default=7.5, help="in all; rows beyond are left out")
    parser.add_argument("--quick", action="store_true", help="tiny photos, for a moment: to see that it runs")
    asked = parser.parse_args()
    if asked.quick:
        asked.sizes, asked.batches, asked.seconds = [QUICK_SIZE], [1, 2], 0.05
    tasks = [(DIGITS, DIGIT_SIZE), *product((SERVED, LAYERS), asked.sizes)]
    print_tables(*measure_all(tasks, sorted(asked.batches), asked.seconds, monotonic() + 60 * asked.minutes))


def _size(text: str) -> Size:
    width, height = map(int, text.split("x"))
    if width % 4 or height % 4 or min(width, height) < 16:
        raise argparse.ArgumentTypeError("sides are multiples of 4, of 16 or more")
    return width, height


def measure_all(
    tasks: list[Task], batches: list[int], seconds: float, deadline: float
) -> tuple[dict[str, Row], Rates]:
    """Return the first picture of each model, and all rates; progress goes to the standard error."""
    firsts: dict[str, Row] = {}
    rates: Rates = []
    with tempfile.TemporaryDirectory() as models:
        subprocess.run(_command(models=models), check=True)
        for way, size in tasks:
            command = _command(way=way, size=size, batches=batches, seconds=seconds, models=models)
            for row in rows_of(command, batches, deadline):
                if "device" in row:
                    firsts.setdefault(MODEL_OF[way], row)
                    continue
                rates.append(((way, size), row))
                _tell(len(rates), len(tasks) * len(batches), *rates[-1])
    return firsts, rates


def _command(**asked: object) -> list[str]:
    return [sys.executable, "-m", "bench.models.gpu_rates", json.dumps(asked)]


def _tell(number: int, total: int, task: Task, row: Row) -> None:
    result = row.get("note") or f"{_rounded(row['rate'])}/s"
    name = f"{task[0]} {_sides(task[1])}, {row['batch']} a call"
    print(f"[{number}/{total}] {name}: {result}", file=sys.stderr, flush=True)


def rows_of(command: Sequence[str], batches: Sequence[int], deadline: float) -> Iterator[Row]:
    """Yield what a process prints, then a note for each batch that it did not reach.

    A process that is killed had no memory, as a rule; larger batches would have none either.
    """
    missing, is_late = list(batches), threading.Event()
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:

        def end() -> None:
            is_late.set()
            process.kill()

        timer = threading.Timer(max(0.0, deadline - monotonic()), end)
        timer.start()
        try:
            assert process.stdout is not None
            for row in map(json.loads, process.stdout):
                missing = [batch for batch in missing if batch != row.get("batch")]
                yield row
            status = process.wait()
        finally:
            timer.cancel()
            process.kill()
    note = NO_TIME if is_late.is_set() else _why(status)
    yield from ({"batch": batch, "note": note} for batch in missing)


def _why(status: int) -> str:
    return NO_MEMORY if status == -signal.SIGKILL else f"its process ended with status {status}"


def print_tables(firsts: dict[str, Row], rates: Rates) -> None:
    """Print what computed, the times to a first picture, and the rates."""
    device = next((first["device"] for first in firsts.values()), "unknown: no process came to a picture")
    print(f"\nDevice: {device}; {machine()}\n")
    _print([FIRST_COLUMNS, *(_first(name, row["seconds"]) for name, row in firsts.items())])
    print("\nMiB: at most, beyond a network that has painted one picture\n")
    alone = {task: row.get("rate") for task, row in rates if row["batch"] == 1}
    _print([RATE_COLUMNS, *(_rate(task, row, alone.get(task)) for task, row in rates)])


def _first(name: str, seconds: list[float]) -> tuple[str, ...]:
    return (name, *(f"{each:.2f}" for each in (*seconds, sum(seconds))))


def _rate(task: Task, row: Row, alone: float | None) -> tuple[str, ...]:
    label = (task[0], _sides(task[1]), str(row["batch"]))
    if "note" in row:
        return (*label, "-", "-", "-", row["note"])
    ratio = f"{row['rate'] / alone:.2f} x" if alone else "-"
    return (*label, _rounded(row["rate"]), ratio, f"{row['mebibytes']:.0f}", "")


def _rounded(rate: float) -> str:
    return f"{rate:,.0f}" if rate >= 100 else f"{rate:.3g}"


def _sides(size: Size) -> str:
    return f"{size[0]} x {size[1]}"


def _print(rows: Sequence[tuple[Any, ...]]) -> None:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for first, *others in rows:
        cells = (f"{cell:>{width}}" for cell, width in zip(others, widths[1:], strict=True))
        print("  ".join((f"{first:<{widths[0]}}", *cells)).rstrip(), flush=True)


if __name__ == "__main__":
    main()
