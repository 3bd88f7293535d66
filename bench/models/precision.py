"""How far `precision: fast` is from exact, and what kernels and precision cost in processor time.

The difference is that of 8-bit pixels, over pairs of a photo and a style. Kernels are chosen once a process,
so each has its own, and the processes take turns. Times are of one thread, user and system together: they
hold on a busy machine too, about.

Usage: python -m bench.models.precision [--pairs 50] [--side 384] [--sides 384 1024] [--rounds 3]
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import numpy.typing as npt

from bench.measuring import Goal, Table
from bench.photos import pair
from shared.setting_groups import Kernels
from worker.models.runtime import configure_tensorflow
from worker.models.stylization.stylizer import Stylizer

MODEL = "magenta-mobile"
MEAN_GOAL, MOST_GOAL = Goal(0.5), Goal(8)
KERNELS: tuple[Kernels, ...] = ("plain", "onednn")
CALLS = 7  # of each way and size, in a process
WARM_UP = 2

Found = dict[str, Any]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pairs", type=int, default=50, help="of a photo and a style")
    parser.add_argument("--side", type=int, default=384, help="of the pairs, pixels")
    parser.add_argument("--sides", type=int, nargs="+", default=[384, 1024], help="that are timed, pixels")
    parser.add_argument("--rounds", type=int, default=3, help="processes of each kernels")
    parser.add_argument("--in-process", choices=KERNELS, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.in_process:
        found = measured(arguments.in_process, arguments.pairs, arguments.side, arguments.sides)
        print(json.dumps(found))
        return
    times = Table(f"{MODEL}, processor time of a picture, one thread")
    runs = [
        (kernels, _asked(kernels, arguments, is_first=not n))
        for n in range(arguments.rounds)
        for kernels in KERNELS
    ]
    apart = Table(
        f"precision fast against exact, {arguments.pairs} pairs of {arguments.side} x {arguments.side}"
    )
    add_times(times, runs, arguments.sides)
    times.print()
    difference = next((found["difference"] for _, found in runs if found.get("difference")), None)
    if difference is None:
        print("\nThis processor has no bfloat16 numbers: fast is exact.")
        return
    apart.add("mean difference", difference["mean"], "of 255", MEAN_GOAL)
    apart.add("largest difference", difference["most"], "of 255", MOST_GOAL)
    apart.print()


def _asked(kernels: Kernels, arguments: argparse.Namespace, *, is_first: bool) -> Found:
    """Measure in a process of its own; the difference once."""
    pairs = arguments.pairs if is_first else 0
    options = ["--pairs", str(pairs), "--side", str(arguments.side), "--sides", *map(str, arguments.sides)]
    command = [sys.executable, "-m", "bench.models.precision", "--in-process", kernels, *options]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    found: Found = json.loads(done.stdout.splitlines()[-1])
    return found


def add_times(table: Table, runs: list[tuple[Kernels, Found]], sides: list[int]) -> None:
    """Add the median of each way and size, and the ratios."""
    for side in sides:
        known: dict[str, list[float]] = {}
        for kernels, found in runs:
            for precision, seconds in found["seconds"][str(side)].items():
                known.setdefault(f"{kernels}, {precision}", []).append(seconds)
        middle = {name: median(values) for name, values in known.items()}
        for name, seconds in middle.items():
            table.add(f"{side} x {side}: {name}", 1000 * seconds, "ms")
        table.add(f"{side} x {side}: plain / onednn", middle["plain, exact"] / middle["onednn, exact"], "x")
        if "onednn, fast" in middle:
            ratio = middle["onednn, exact"] / middle["onednn, fast"]
            table.add(f"{side} x {side}: onednn, exact / fast", ratio, "x")


def measured(kernels: Kernels, pairs: int, side: int, sides: list[int]) -> Found:
    """Return the times of this process's kernels, and the difference where they can be fast."""
    configure_tensorflow(1, 1, kernels)
    from bench.models.stylize_contenders import load_stylizer

    stylizer = load_stylizer(MODEL)
    ways = {"exact": stylizer} | ({"fast": stylizer.fast} if stylizer.has_fast else {})
    seconds = {str(each): _times(ways, each) for each in sides}
    return {
        "seconds": seconds,
        "difference": _difference(stylizer, pairs, side) if "fast" in ways and pairs else None,
    }


def _times(ways: dict[str, Stylizer], side: int) -> dict[str, float]:
    content, style = (np.asarray(image, np.float32) / 255 for image in pair(0, side))
    prepared = ways["exact"].prepare_style(style)
    times: dict[str, list[float]] = {name: [] for name in ways}
    for call in range(CALLS + WARM_UP):
        for name, way in ways.items():
            spent = _processor_time(lambda way=way: way.stylize(content, prepared))  # type: ignore[misc]
            times[name] += [spent] if call >= WARM_UP else []
    return {name: median(values) for name, values in times.items()}


def _processor_time(action: Callable[[], object]) -> float:
    began = process_time()
    action()
    return process_time() - began


def _difference(stylizer: Stylizer, pairs: int, side: int) -> dict[str, float]:
    total, most = 0.0, 0
    for number in range(pairs):
        apart = difference(stylizer, number, side)
        total, most = total + float(apart.mean()), max(most, int(apart.max()))
    return {"mean": total / pairs, "most": most}


def difference(stylizer: Stylizer, number: int, side: int) -> npt.NDArray[np.int16]:
    """Return how far each 8-bit pixel of a pair's fast painting is from the exact one, (side, side, 3)."""
    content, style = (np.asarray(image, np.float32) / 255 for image in pair(number, side))
    prepared = stylizer.prepare_style(style)
    exact, fast = (
        np.rint(way.stylize(content, prepared) * 255).astype(np.int16) for way in (stylizer, stylizer.fast)
    )
    return np.abs(exact - fast)


if __name__ == "__main__":
    main()
