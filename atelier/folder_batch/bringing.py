"""Brings all pictures of a batch into a folder, by the names that their items have."""

from pathlib import Path

from atelier.client.batch_download import Saved
from atelier.client.batch_run import BatchRun
from atelier.folder_batch.board import Board, Failure, News
from atelier.folder_batch.display import OnNews
from atelier.folder_batch.results import Result


def bring(run: BatchRun, folder: Path, board: Board, show: OnNews) -> None:
    """Save pictures until the batch is done. What failed and was tried again counts as it ended last."""
    ended: set[str] = set()  # custom ids
    run.refresh()
    for saved in run.save(folder):
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
        board.failures[name] = Failure(name, "", Result(run, item).reason)
    board.saved += saved.new
    board.kept += len(saved.paths) - saved.new
