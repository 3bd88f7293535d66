"""The loop of every training run: steps, reports, samples, checkpoints, and going on from them."""

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, ClassVar

from shared.errors import InvalidRequest, ModelCorrupt
from worker.training.checkpoint import FOLDER, Arrays, Checkpoint, CheckpointFolder
from worker.training.config import Measured, RunConfig, StepReport, TrainingStopped
from worker.training.early_stopping import EarlyStopping
from worker.training.metrics import PANELS, MetricsLog, Panels, draw_plot

OnProgress = Callable[[StepReport], None]
IsStopping = Callable[[], bool]


class Run(ABC):
    """A run that can be stopped after any step. A subclass says what a step does and what its state is."""

    panels: ClassVar[Panels] = PANELS  # of the plot

    def __init__(self, config: RunConfig, data: str) -> None:
        """`data` is the sha256 of what is trained on: a run is resumed only with the same."""
        self.stopping = EarlyStopping(config.steps)
        self._run_config = config
        self._hyperparameters: dict[str, Any] = {**config.hyperparameters(), "data": data}
        self._checkpoints = CheckpointFolder(config.out / FOLDER)
        self._best: Arrays = []
        self._done = 0  # steps

    @abstractmethod
    def _updates(self) -> Iterator[Measured]:
        """Do the step after `_done` each time, and yield what was measured."""

    @abstractmethod
    def _state(self) -> Arrays:
        """Return a copy of everything that a step changes."""

    @abstractmethod
    def _set_state(self, arrays: Arrays) -> None:
        """Restore what `_state` returned; raise ValueError where it does not fit."""

    @abstractmethod
    def _draw_samples(self) -> Path:
        """Draw the pictures by which one sees how far the run is; return the file's path."""

    def _check_quality(self) -> float | None:
        """Check the quality where that is due, and note the best."""
        return None

    def _restore(self) -> None:
        """Restore the newest checkpoint, where there is one.

        Raises InvalidRequest where it was not to be resumed or is of another run, ModelCorrupt for damage.
        """
        newest = self._checkpoints.newest()
        if newest is None:
            return
        self._check_same_run(newest)
        try:
            self._set_state(newest.arrays)
        except ValueError as error:
            detail = f"the checkpoint in {self._run_config.out} is of other networks: {error}"
            raise ModelCorrupt(detail) from error
        self.stopping, self._best, self._done = newest.stopping, newest.best, newest.step

    def _check_same_run(self, checkpoint: Checkpoint) -> None:
        out = self._run_config.out
        if not self._run_config.resume:
            raise InvalidRequest.of_field("/out", f"{out} holds a run; resume it or choose another folder")
        changed = sorted(
            key
            for key, value in self._hyperparameters.items()
            if checkpoint.hyperparameters.get(key) != value
        )
        if changed:
            raise InvalidRequest.of_field(
                "/resume", f"the run in {out} began with another {', '.join(changed)}"
            )

    def train(self, on_progress: OnProgress, is_stopping: IsStopping) -> None:
        """Go on from the newest checkpoint, do the remaining steps, and save after each what is due.

        Reports after every step, and then asks whether to stop: TrainingStopped is raised after all is saved.
        Where a file cannot be written, the OSError names the folder.
        """
        config = self._run_config
        config.out.mkdir(parents=True, exist_ok=True)
        self._restore()
        began = time.monotonic()
        with naming(config.out):
            metrics, updates = MetricsLog(config.out / "metrics.jsonl", step=self._done), self._updates()
        while self._done < self.stopping.total:
            losses = next(updates)
            self._done += 1
            with naming(config.out):
                report = self._record(losses, metrics, began)
            on_progress(report)
            if is_stopping() and self._done < self.stopping.total:
                with naming(config.out):
                    self._save()
                raise TrainingStopped(self._done)
        with naming(config.out):
            draw_plot(metrics.read(), config.out / "metrics.png", self.panels)

    def _record(self, losses: Measured, metrics: MetricsLog, began: float) -> StepReport:
        """Write what is due after a step."""
        quality, samples = self._check_quality(), self._draw(metrics)
        seconds = time.monotonic() - began
        report = StepReport(self._done, self.stopping.total, losses, seconds, samples, quality)
        if quality is not None or self._is_due(self._run_config.metrics_every):
            metrics.append(report)
        if self._is_due(self._run_config.checkpoint_every):
            self._save()
        return report

    def _save(self) -> None:
        self._checkpoints.save(
            Checkpoint(self._done, self._hyperparameters, self.stopping, self._state(), self._best)
        )

    def _draw(self, metrics: MetricsLog) -> Path | None:
        """Draw the samples where that is due, and the plot with them."""
        config = self._run_config
        if not config.sample_every or not self._is_due(config.sample_every):
            return None
        draw_plot(metrics.read(), config.out / "metrics.png", self.panels)
        return self._draw_samples()

    def _is_due(self, every: int) -> bool:
        return self._done % every == 0 or self._done == self.stopping.total


@contextmanager
def naming(folder: Path) -> Iterator[None]:
    """Give an OSError that names no file, as that of a full disk, the name of the folder."""
    try:
        yield
    except OSError as error:
        if error.filename is None:
            error.filename = str(folder)
        raise
