"""Results of a batch that may be paused: by its brake or its sample, which ends the run, or by somebody."""

from collections.abc import Callable, Iterator

from atelier.client.batch import Batch, BatchItem
from atelier.client.batch_run import BatchRun

OnPause = Callable[[bool], None]  # gets whether the batch is paused now


class PausableResults:
    """Yields results until the batch is done or has paused itself, which `is_stopped` says then."""

    def __init__(self, run: BatchRun, on_pause: OnPause) -> None:
        self._run = run
        self._on_pause = on_pause
        self._is_paused = False
        self.is_stopped = False

    def __iter__(self) -> Iterator[BatchItem]:
        """Yield each result. The batch is looked at where an item failed, and where none comes."""
        for page in self._run.pages():
            yield from page
            goes_on = page and all(item.succeeded for item in page)
            if not goes_on or self._is_paused:
                self._look()
            if self.is_stopped:
                return

    def _look(self) -> None:
        batch = self._run.refresh()
        self.is_stopped = batch.stopped_at is not None
        is_paused = batch.status == "paused"
        if is_paused != self._is_paused:
            self._is_paused = is_paused
            self._on_pause(is_paused)


def say_stopped(batch: Batch) -> list[str]:
    """Return lines that say why a batch has paused itself, and how to go on."""
    return _say_sample(batch) if batch.stopped_by == "sample" else _say_brake(batch)


def _say_sample(batch: Batch) -> list[str]:
    made = f"{batch.ended:,} of {batch.counts['total']:,} items are done"
    return [
        f"the sample is made: {made}, and no other starts.",
        f"Look at it: {batch.raw['urls']['contact_sheet']}",
        f"`atelier batches resume {batch.id}` goes on; then the same command saves the rest.",
        f"`atelier batches cancel {batch.id}` withdraws it.",
    ]


def _say_brake(batch: Batch) -> list[str]:
    wrong, name = batch.counts["failed"] + batch.counts["expired"], batch.id
    return [
        f"stopped: {wrong} of {batch.ended} pictures failed, so the batch paused itself; "
        f"{batch.counts['queued']} wait.",
        f"`atelier batches show {name}` says why they failed.",
        f"`atelier batches resume {name}` goes on;",
        f"`atelier batches retry-failed {name}` does so with the failed ones first.",
        "Then the same command saves what is made.",
    ]
