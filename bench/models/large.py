"""Large pictures: seconds and memory of painting them in strips, and what the whole network takes for them.

Each row runs in another process, so that the measured peak of memory, with TensorFlow, is that of this row.

Usage: python -m bench.models.large [--model magenta-mobile] [--sides 2048 8000] [--whole 2048]
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image
from skimage import data

from bench.measuring import Goal, Table
from bench.processes import peak_mebibytes, resident_mebibytes

MEMORY_GOAL = Goal(3 * 1024)  # MiB, at 8,000 x 8,000
LARGEST_SIDE = 8000


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", choices=["magenta-mobile", "multistyle-26"], default="magenta-mobile")
    parser.add_argument("--sides", type=int, nargs="*", default=[2048, LARGEST_SIDE], help="in strips")
    whole = "sides painted by the whole network"
    parser.add_argument("--whole", type=int, nargs="*", default=[2048], help=whole)
    arguments = parser.parse_args()
    table = Table(f"Large pictures, {arguments.model}, one thread")
    with tempfile.TemporaryDirectory() as folder:
        _in_process("build", arguments.model, folder)
        for method, sides in (("strips", arguments.sides), ("whole", arguments.whole)):
            for side in sides:
                figures = _in_process(method, arguments.model, folder, side)
                _add(table, f"{side} x {side}, {method}", side, figures)
    table.print()


def _add(table: Table, label: str, side: int, figures: dict[str, float]) -> None:
    table.add(f"{label}: time", figures["seconds"], "s")
    table.add(f"{label}: time of a core", figures["core_seconds"], "s")
    table.add(f"{label}: model and picture loaded", figures["before"], "MiB")
    table.add(f"{label}: peak", figures["peak"], "MiB", MEMORY_GOAL if side == LARGEST_SIDE else None)
    table.add(f"{label}: afterwards", figures["after"], "MiB")


def _in_process(method: str, model: str, folder: str, side: int = 0) -> Any:
    code = f"from bench.models import large; large.child({method!r}, {model!r}, {folder!r}, {side})"
    command = [sys.executable, "-c", code]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
    return json.loads(done.stdout.splitlines()[-1])


def child(method: str, model: str, folder: str, side: int) -> None:
    """Build the model, or paint with it and print the figures."""
    from worker.models.builders import build
    from worker.models.runtime import configure_tensorflow

    configure_tensorflow(1, 1)
    if method == "build":
        build(model, Path(folder))
        print("{}")
        return
    print(json.dumps(_paint(method, model, Path(folder), side)))


def _paint(method: str, model: str, folder: Path, side: int) -> dict[str, float]:
    from shared.cards.card import load_catalog
    from worker.codec.pixels import to_float, to_uint8
    from worker.models.files.hub import load_module
    from worker.models.style_network.weights import read_transformer
    from worker.models.stylization.stylizer import Stylizer

    stylizer = Stylizer(load_catalog().get(model), "", load_module(folder), read_transformer(folder))
    stylizer.warm_up()
    builtin = stylizer.card.builtin_styles
    style = stylizer.prepare_builtin(7) if builtin else stylizer.prepare_style(to_float(_photo(256)))
    content = _photo(side)
    before, began, worked = resident_mebibytes(os.getpid()), time.perf_counter(), time.process_time()
    if method == "whole":
        to_uint8(stylizer.stylize(to_float(content), style))
    else:
        stylizer.paint_large(content, style, lambda done, total: None)
    return {
        "seconds": time.perf_counter() - began,
        "core_seconds": time.process_time() - worked,
        "before": before,
        "peak": peak_mebibytes(os.getpid()),
        "after": resident_mebibytes(os.getpid()),
    }


def _photo(side: int) -> np.ndarray[Any, np.dtype[np.uint8]]:
    return np.asarray(Image.fromarray(data.astronaut()).resize((side, side), Image.Resampling.BICUBIC))


if __name__ == "__main__":
    main()
