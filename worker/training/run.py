"""A training run from data to exported weights."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from worker.models.generation.dcgan import Architecture, write_weights
from worker.models.generation.generator import Weights
from worker.training.checkpoint import FOLDER, Arrays, CheckpointFolder
from worker.training.config import Losses, TrainingConfig, check_size
from worker.training.data import Pictures, PictureShape, batches, load_pictures
from worker.training.early_stopping import EarlyStopping, step_settings
from worker.training.loop import IsStopping, OnProgress, Run, naming
from worker.training.quality import QualityCheck, SampleGrid
from worker.training.train_step import Adversary, draw_latents


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
    run.train(on_progress, is_stopping)
    hyperparameters = {**config.hyperparameters(), "steps": run.exported_step}
    with naming(config.out):
        weights = write_weights(
            config.out, run.exported, hyperparameters=hyperparameters, data=pictures.digest
        )
    return Trained(weights, architecture, pictures.classes, run.stopping)


def _architecture(pictures: Pictures) -> Architecture:
    _, side, _, channels = pictures.images.shape
    check_size(side)  # where it was not asked for, it is that of the data
    return Architecture(side, channels, len(pictures.classes))


class _Run(Run):
    def __init__(self, config: TrainingConfig, pictures: Pictures, architecture: Architecture) -> None:
        super().__init__(config, pictures.digest)
        self._config, self._pictures, self._classes = config, pictures, architecture.classes
        self._adversary = Adversary(architecture, config.seed)
        self._samples = SampleGrid(config.out / "samples", architecture)
        self._check = QualityCheck(pictures, architecture, config.seed) if config.check_every else None

    @property
    def exported(self) -> Weights:
        """The generator to keep."""
        return self._best or self._adversary.average()

    @property
    def exported_step(self) -> int:
        """The step that `exported` is from."""
        return self.stopping.best_step or self._done

    def _updates(self) -> Iterator[Losses]:
        config = self._config
        for batch in batches(self._pictures, size=config.batch_size, seed=config.seed, start=self._done):
            step = self._done
            latents = draw_latents(batch.labels, self._classes, seed=config.seed, step=step)
            rates = (config.generator_rate, config.discriminator_rate)
            yield self._adversary.step(batch, latents, step_settings(step, self.stopping.total, *rates))

    def _state(self) -> Arrays:
        return self._adversary.state()

    def _set_state(self, arrays: Arrays) -> None:
        self._adversary.restore(arrays)

    def _draw_samples(self) -> Path:
        return self._samples.draw(self._adversary.average(), step=self._done)

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
