"""Listens to batches, and saves each picture as it comes."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, Protocol

from atelier.client.batch import BatchItem
from atelier.client.batch_run import BatchRun
from atelier.client.downloads import GONE, Saved, save_each, write_whole
from atelier.client.errors import ApiError, Fault, ProtocolError
from atelier.display.progress_bar import OnRunProgress, RunProgress
from atelier.folder_batch.output_names import say_fault
from atelier.folder_batch.pauses import PausableResults
from atelier.folder_batch.photo_check import WantedPicture, digest_of_file, subjects_of
from atelier.folder_batch.progress import Failure, RunState
from atelier.folder_batch.uploads import Inbox, reraise

OF_THE_PHOTO = frozenset({"", "content", "size", "custom_id"})  # fields of an item that depend on its photo
FORGOTTEN = "the service has forgotten it"
CONNECTIONS = 4  # pictures that are fetched at once


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
        """Whether only the user may have it tried again."""
        return self.item.status in ("failed", "expired")

    def subject_of(self, wanted: WantedPicture) -> str:
        """Return the style or mask that made an item fail; "" where the photo did, or something else."""
        subjects = [subjects_of(part_of(wanted.body, fault)) for fault in faults_of_options(self.item)]
        return next((names[0] for names in subjects if names), "")


class BatchHandler(Protocol):
    """Takes what comes of batches."""

    def take(self, result: Result) -> None:
        """Take a result."""

    def note_pause(self, batch: str, *, paused: bool) -> None:
        """Note that somebody has paused a batch, or that it goes on."""

    def end(self, run: BatchRun, *, stopped: bool) -> None:
        """Note that no further result comes: the batch is done, or it has paused itself."""


def listen(run: BatchRun, inbox: Inbox, handler: BatchHandler) -> None:
    """Start a thread that passes on what comes of a batch."""
    results = PausableResults(
        run, lambda paused: inbox.put(partial(handler.note_pause, run.id, paused=paused))
    )

    def follow() -> None:
        try:
            for item in results:
                inbox.put(partial(handler.take, Result(run, item)))
        except BaseException as error:  # noqa: BLE001  # it is raised where the inbox is read
            inbox.put(partial(reraise, error))
        else:
            inbox.put(partial(handler.end, run, stopped=results.is_stopped))

    threading.Thread(target=follow, name=f"listen-{run.id[-6:]}", daemon=True).start()


@dataclass(frozen=True, slots=True)
class Fetched:
    """A picture on the disk, or why it is not there."""

    wanted: WantedPicture
    sha256: str
    reason: str = ""
    is_there_still: bool = False  # the service has the picture, which is not on the disk


def fetch(result: Result, wanted: WantedPicture, folder: Path) -> Fetched:
    """Write a result's picture to its place, where it is not there already."""
    output = result.item.outputs[0].output
    path = folder / wanted.target
    if output.sha256 and digest_of_file(path) == output.sha256:
        return Fetched(wanted, output.sha256)
    try:
        data = result.run.download(result.item)
        write_whole(path, data)
    except ApiError as error:
        if error.status not in GONE:
            raise
        return Fetched(wanted, "", FORGOTTEN)
    except ProtocolError as error:
        return Fetched(wanted, "", str(error), is_there_still=True)
    except OSError as error:
        return Fetched(wanted, "", f"it cannot be saved: {say_fault(error)}", is_there_still=True)
    return Fetched(wanted, hashlib.sha256(data).hexdigest())


def faults_of_options(item: BatchItem) -> tuple[Fault, ...]:
    """Return the faults of an item whose styles or mask alone made it fail; none of another item."""
    faults = item.error.errors if item.error else ()
    fields = {fault.pointer.strip("/").partition("/")[0] for fault in faults}
    return faults if fields <= {"styles", "mask"} else ()


def part_of(body: Mapping[str, Any], fault: Fault) -> dict[str, Any]:
    """Return the part of an item that a fault is about: one of its styles, or its mask."""
    field, _, rest = fault.pointer.strip("/").partition("/")
    number = rest.partition("/")[0]
    value = body.get(field)
    if field == "styles" and isinstance(value, list):
        return {field: value[int(number) : int(number) + 1] if number.isdigit() else value}
    return {field: value}


def save_results(run: BatchRun, folder: Path, run_state: RunState, show: OnRunProgress) -> None:
    """Save pictures until the batch is done, or pauses itself.

    What failed and was tried again counts as it ended last. A picture that cannot be saved is a failure of
    its item alone.
    """
    ended: set[str] = set()  # custom ids

    def report() -> None:
        done, total, rate = len(ended), run.batch.counts["total"], run_state.throughput.per_second
        show(RunProgress(done, total, rate, run_state.say_failed(), is_paused=bool(run_state.paused)))

    def note_pause(paused: bool) -> None:
        run_state.note_pause(run.id, paused=paused)
        report()

    run.refresh()
    results = PausableResults(run, note_pause)
    for saved in save_each(results, run.download, folder, CONNECTIONS):
        ended.add(saved.item.custom_id)
        run_state.throughput.count()
        _enter(run_state, saved, run)
        report()
    if results.is_stopped:
        run_state.stopped = run.batch


def _enter(run_state: RunState, saved: Saved, run: BatchRun) -> None:
    name, item = saved.item.custom_id, saved.item
    run_state.failures.pop(name, None)
    if item.warnings:
        run_state.warnings[name] = item.warnings
    if not item.succeeded:
        run_state.failures[name] = Failure(name, "", Result(run, item).reason, _subject_of(item))
    if saved.fault is not None:
        run_state.failures[name] = Failure(name, "", _say(saved.fault))
    run_state.saved += saved.new
    run_state.kept += len(saved.paths) - saved.new


def _say(fault: Exception) -> str:
    if not isinstance(fault, OSError):
        return str(fault)
    return f"{fault.filename} cannot be saved: {say_fault(fault)}" if fault.filename else say_fault(fault)


def _subject_of(item: BatchItem) -> str:
    """Return the style or mask that made an item fail, as its field; "" where something else did."""
    return next((fault.field for fault in faults_of_options(item)), "")
