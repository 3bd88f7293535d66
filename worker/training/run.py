"""A training run from data to exported weights."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from shared.errors import InvalidRequest, ModelCorrupt
from worker.models.dcgan_weights import write_weights
from worker.training.adversary import Adversary, Rates, draw_latents, rates_at
from worker.training.checkpoint import Checkpoint, CheckpointFolder
from worker.training.config import Losses, Progress, TrainingConfig
from worker.training.data import Batch, Digits, batches, load_digits
from worker.training.metrics import MetricsLog
from worker.training.samples import SampleGrid


def train(config: TrainingConfig, *, on_progress: Callable[[Progress], None]) -> Path:
    """Train a generator and return the path of its exported weights, in `config.out`.

    Reports after every step. A run stopped at any moment and resumed ends with the same weights as one that
    was not, on the same machine and number of threads. Raises InvalidRequest for data that cannot be read
    and for a folder that holds another run, ModelCorrupt for a damaged checkpoint.
    """
    digits = load_digits(config.data)
    run = _Run(
        config=config,
        digits=digits,
        recipe={**config.recipe(), "data": digits.digest},
        checkpoints=CheckpointFolder(config.out / "checkpoints"),
        adversary=Adversary(config.seed),
        samples=SampleGrid(config.out / "samples"),
    )
    config.out.mkdir(parents=True, exist_ok=True)
    run.go_on(run.restore(), on_progress)
    return write_weights(config.out, run.adversary.average(), recipe=config.recipe(), data=digits.digest)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Run:
    config: TrainingConfig
    digits: Digits
    recipe: dict[str, Any]  # all that fixes the weights
    checkpoints: CheckpointFolder
    adversary: Adversary
    samples: SampleGrid

    def restore(self) -> int:
        """Bring the networks to the newest checkpoint; return its step, 0 for a new run."""
        newest = self.checkpoints.newest()
        if newest is None:
            return 0
        self._check_same_run(newest)
        try:
            self.adversary.restore(newest.arrays)
        except ValueError as error:
            raise ModelCorrupt(
                f"the checkpoint in {self.config.out} is of other networks: {error}"
            ) from error
        return newest.step

    def _check_same_run(self, checkpoint: Checkpoint) -> None:
        out = self.config.out
        if not self.config.resume:
            raise InvalidRequest.of_field("/out", f"{out} holds a run; resume it or choose another folder")
        changed = sorted(key for key, value in self.recipe.items() if checkpoint.recipe.get(key) != value)
        if changed:
            raise InvalidRequest.of_field(
                "/resume", f"the run in {out} began with another {', '.join(changed)}"
            )

    def go_on(self, start: int, on_progress: Callable[[Progress], None]) -> None:
        """Do the steps from `start` on, saving what each is due to save."""
        config, began = self.config, time.monotonic()
        metrics = MetricsLog(config.out / "metrics.jsonl", step=start)
        feed = batches(self.digits, size=config.batch_size, seed=config.seed, start=start)
        for number, batch in zip(range(start, config.steps), feed, strict=False):
            losses = self._update(number, batch)
            samples = self._save(number + 1)
            progress = Progress(number + 1, config.steps, losses, time.monotonic() - began, samples)
            if self._is_due(progress.step, config.metrics_every):
                metrics.append(progress)
            on_progress(progress)

    def _update(self, number: int, batch: Batch) -> Losses:
        config = self.config
        latents = draw_latents(batch.labels, seed=config.seed, step=number)
        base = Rates(config.generator_rate, config.discriminator_rate)
        return self.adversary.step(batch, latents, rates_at(number, config.steps, base), number)

    def _save(self, step: int) -> Path | None:
        """Write the checkpoint and the sample grid that are due after this step; return the grid."""
        if self._is_due(step, self.config.checkpoint_every):
            self.checkpoints.save(Checkpoint(step, self.recipe, self.adversary.state()))
        if self.config.sample_every and self._is_due(step, self.config.sample_every):
            return self.samples.draw(self.adversary.average(), step=step)
        return None

    def _is_due(self, step: int, every: int) -> bool:
        return step % every == 0 or step == self.config.steps
