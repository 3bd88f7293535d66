"""A training run from data to exported weights."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest, ModelCorrupt
from worker.models.generation.dcgan import Architecture, write_weights
from worker.models.generation.generator import Weights
from worker.training.checkpoint import FOLDER, Checkpoint, CheckpointFolder
from worker.training.config import Losses, StepReport, TrainingConfig, TrainingStopped, check_size
from worker.training.data import Pictures, PictureShape, TrainingBatch, batches, load_pictures
from worker.training.early_stopping import EarlyStopping, step_settings
from worker.training.metrics import MetricsLog, draw_plot
from worker.training.quality import QualityCheck, SampleGrid
from worker.training.train_step import Adversary, draw_latents

OnProgress = Callable[[StepReport], None]
IsStopping = Callable[[], bool]


@dataclass(frozen=True, slots=True)
class Trained:
    """A finished run."""

    weights: Path  # the exported file; its record is beside it
    architecture: Architecture
    classes: tuple[str, ...]  # names, by number
    stopping: EarlyStopping


def train(
    config: TrainingConfig, *, on_progress: OnProgress, is_stopping: IsStopping = lambda: False
) -> Trained:
    """Train a generator and export it to `config.out`: the best of all checks, without checks the last.

    Reports after every step, and then asks whether to stop: TrainingStopped is raised after all is saved. A
    run that was stopped at any moment and resumed ends with the same weights as one that was not, on the same
    machine and number of threads. Raises InvalidRequest for data that cannot be read, for a folder that holds
    another run, and for one to resume that holds none; ModelCorrupt for a damaged checkpoint.
    """
    if config.resume:
        CheckpointFolder(config.out / FOLDER).check_resumable()
    pictures = load_pictures(config.data, PictureShape(config.size, config.channels))
    architecture = _architecture(pictures)
    run = _Run(config, pictures, architecture)
    config.out.mkdir(parents=True, exist_ok=True)
    run.restore()
    run.train(on_progress, is_stopping)
    hyperparameters = {**config.hyperparameters(), "steps": run.exported_step}
    weights = write_weights(config.out, run.exported, hyperparameters=hyperparameters, data=pictures.digest)
    return Trained(weights, architecture, pictures.classes, run.stopping)


def _architecture(pictures: Pictures) -> Architecture:
    _, side, _, channels = pictures.images.shape
    check_size(side)  # where it was not asked for, it is that of the data
    return Architecture(side, channels, len(pictures.classes))


class _Run:
    def __init__(self, config: TrainingConfig, pictures: Pictures, architecture: Architecture) -> None:
        self.stopping = EarlyStopping(config.steps)
        self._config, self._pictures, self._classes = config, pictures, architecture.classes
        self._hyperparameters: dict[str, Any] = {**config.hyperparameters(), "data": pictures.digest}
        self._checkpoints = CheckpointFolder(config.out / FOLDER)
        self._adversary = Adversary(architecture, config.seed)
        self._samples = SampleGrid(config.out / "samples", architecture)
        self._check = QualityCheck(pictures, architecture, config.seed) if config.check_every else None
        self._best: Weights = []
        self._done = 0

    @property
    def exported(self) -> Weights:
        """The generator to keep."""
        return self._best or self._adversary.average()

    @property
    def exported_step(self) -> int:
        """The step that `exported` is from."""
        return self.stopping.best_step or self._done

    def restore(self) -> None:
        """Restore the newest checkpoint, where there is one."""
        newest = self._checkpoints.newest()
        if newest is None:
            return
        self._check_same_run(newest)
        try:
            self._adversary.restore(newest.arrays)
        except ValueError as error:
            detail = f"the checkpoint in {self._config.out} is of other networks: {error}"
            raise ModelCorrupt(detail) from error
        self.stopping, self._best, self._done = newest.stopping, newest.best, newest.step

    def _check_same_run(self, checkpoint: Checkpoint) -> None:
        out = self._config.out
        if not self._config.resume:
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
        """Do the remaining steps, and save after each what is due."""
        config, began = self._config, time.monotonic()
        metrics = MetricsLog(config.out / "metrics.jsonl", step=self._done)
        training_batches = batches(self._pictures, size=config.batch_size, seed=config.seed, start=self._done)
        while self._done < self.stopping.total:
            losses = self._update(next(training_batches))
            quality, samples = self._check_quality(), self._draw(metrics)
            seconds = time.monotonic() - began
            report = StepReport(self._done, self.stopping.total, losses, seconds, samples, quality)
            if quality is not None or self._is_due(config.metrics_every):
                metrics.append(report)
            if self._is_due(config.checkpoint_every):
                self._save()
            on_progress(report)
            if is_stopping() and self._done < self.stopping.total:
                self._save()
                raise TrainingStopped(self._done)
        draw_plot(metrics.read(), config.out / "metrics.png")

    def _update(self, batch: TrainingBatch) -> Losses:
        config, step = self._config, self._done
        latents = draw_latents(batch.labels, self._classes, seed=config.seed, step=step)
        settings = step_settings(step, self.stopping.total, config.generator_rate, config.discriminator_rate)
        self._done += 1
        return self._adversary.step(batch, latents, settings)

    def _check_quality(self) -> float | None:
        """Check the quality where that is due, and remember the generator if it is the best so far."""
        if self._check is None or not self._is_due(self._config.check_every):
            return None
        average = self._adversary.average()
        quality = self._check.of(average)
        self.stopping = self.stopping.after(quality, self._done, self._config.patience)
        if self.stopping.best_step == self._done:
            self._best = average
        return quality

    def _save(self) -> None:
        state = self._adversary.state()
        self._checkpoints.save(
            Checkpoint(self._done, self._hyperparameters, self.stopping, state, self._best)
        )

    def _draw(self, metrics: MetricsLog) -> Path | None:
        """Draw the samples where that is due, and the plot with them."""
        if not self._config.sample_every or not self._is_due(self._config.sample_every):
            return None
        draw_plot(metrics.read(), self._config.out / "metrics.png")
        return self._samples.draw(self._adversary.average(), step=self._done)

    def _is_due(self, every: int) -> bool:
        return self._done % every == 0 or self._done == self.stopping.total
