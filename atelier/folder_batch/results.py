"""Brings results home: listens to batches, and saves each picture as it comes."""

import hashlib
import threading
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from atelier.client.batch import BatchItem
from atelier.client.batch_run import BatchRun
from atelier.client.downloads import write_whole
from atelier.client.errors import ApiError
from atelier.folder_batch.crew import Inbox
from atelier.folder_batch.looking import Want, digest_of_file

GONE = frozenset({404, 410})


@dataclass(frozen=True, slots=True)
class Result:
    """How an item ended, and the batch that it is of."""

    run: BatchRun
    item: BatchItem

    @property
    def reason(self) -> str:
        """Why there is no picture; "" where there is one."""
        item = self.item
        if item.succeeded and item.outputs:
            return ""
        return f"{item.error.code}: {item.error.detail}" if item.error else f"it was {item.status}"

    @property
    def is_final(self) -> bool:
        """Whether trying again is for somebody to decide."""
        return self.item.status in ("failed", "expired")


def listen(run: BatchRun, inbox: Inbox, take: Callable[[Result], None], end: Callable[[str], None]) -> None:
    """Have a thread hand on each result of a batch, and say when there are no more."""

    def follow() -> None:
        try:
            for item in run:
                inbox.put(partial(take, Result(run, item)))
        except BaseException as error:  # noqa: BLE001  # it is raised where the inbox is read
            inbox.put(partial(_raise, error))
        else:
            inbox.put(partial(end, run.id))

    threading.Thread(target=follow, name=f"listen-{run.id[-6:]}", daemon=True).start()


def _raise(error: BaseException) -> None:
    raise error


@dataclass(frozen=True, slots=True)
class Fetched:
    """A picture on the disk, or why it is not there."""

    want: Want
    sha256: str
    reason: str = ""


def fetch(result: Result, want: Want, folder: Path) -> Fetched:
    """Write a result's picture to its place, where it is not there already. Raises OSError."""
    output = result.item.outputs[0].output
    path = folder / want.target
    if output.sha256 and digest_of_file(path) == output.sha256:
        return Fetched(want, output.sha256)
    try:
        data = result.run.download(result.item)
    except ApiError as error:
        if error.status not in GONE:
            raise
        return Fetched(want, "", reason="the service has forgotten it")
    write_whole(path, data)
    return Fetched(want, hashlib.sha256(data).hexdigest())
