"""Brings all pictures of a batch into a folder, by the names that their items have."""

from pathlib import Path

from atelier.client.batch import BatchItem
from atelier.client.batch_download import Saved
from atelier.client.batch_download import saved as save_each
from atelier.client.batch_run import BatchRun
from atelier.folder_batch.board import Board, Failure, News
from atelier.folder_batch.display import OnNews
from atelier.folder_batch.places import say_fault
from atelier.folder_batch.results import Result, faults_of_options

CONNECTIONS = 4  # pictures that are fetched at once


def bring(run: BatchRun, folder: Path, board: Board, show: OnNews) -> None:
    """Save pictures until the batch is done. What failed and was tried again counts as it ended last.

    A picture that cannot be saved is a failure of its item alone.
    """
    ended: set[str] = set()  # custom ids
    run.refresh()
    for saved in save_each(run, folder, CONNECTIONS):
        ended.add(saved.item.custom_id)
        board.pace.count()
        _enter(board, saved, run)
        show(News(len(ended), run.batch.counts["total"], board.pace.per_second, board.say_failed()))


def _enter(board: Board, saved: Saved, run: BatchRun) -> None:
    name, item = saved.item.custom_id, saved.item
    board.failures.pop(name, None)
    if item.warnings:
        board.warnings[name] = item.warnings
    if not item.succeeded:
        board.failures[name] = Failure(name, "", Result(run, item).reason, _subject_of(item))
    if saved.fault is not None:
        board.failures[name] = Failure(name, "", _say(saved.fault))
    board.saved += saved.new
    board.kept += len(saved.paths) - saved.new


def _say(fault: Exception) -> str:
    if not isinstance(fault, OSError):
        return str(fault)
    return f"{fault.filename} cannot be saved: {say_fault(fault)}" if fault.filename else say_fault(fault)


def _subject_of(item: BatchItem) -> str:
    """Return the style or mask that made an item fail, as its field; "" where something else did."""
    return next((fault.field for fault in faults_of_options(item)), "")
