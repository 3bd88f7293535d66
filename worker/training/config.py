"""What a training run is told, and what it tells while it runs. Imports no TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

from shared.errors import InvalidRequest


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """One run. Two runs with equal recipes on one machine end with equal weights, resumed or not."""

    data: str  # a path of an .npz in the layout of keras.datasets.mnist, or "mnist" to download that
    out: Path  # folder for checkpoints, metrics, samples and the exported weights
    steps: int = 4000
    batch_size: int = 32
    seed: int = 0
    checkpoint_every: int = 500  # steps
    sample_every: int = 500  # steps; 0 draws none
    metrics_every: int = 20  # steps
    resume: bool = False  # go on from the newest checkpoint in `out`, or start where there is none
    generator_rate: float = 4e-4  # Adam's step size before the decay
    discriminator_rate: float = 2e-4

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "checkpoint_every", "metrics_every"):
            if getattr(self, name) < 1:
                raise InvalidRequest.of_field(f"/{name}", f"{name} must be at least 1")
        if self.sample_every < 0:
            raise InvalidRequest.of_field("/sample_every", "sample_every must be at least 0")
        if not 0 <= self.seed < 2**53:
            raise InvalidRequest.of_field("/seed", "seed must be at least 0 and under 2**53")

    def recipe(self) -> dict[str, float]:
        """Return what fixes the weights besides the data; a checkpoint goes on only under the same."""
        return {
            "steps": self.steps,
            "batch_size": self.batch_size,
            "seed": self.seed,
            "generator_rate": self.generator_rate,
            "discriminator_rate": self.discriminator_rate,
        }


@dataclass(frozen=True, slots=True)
class Losses:
    """What one step measured, before its update."""

    generator: float
    discriminator: float
    real_score: float  # mean probability that the discriminator gives to real pictures
    fake_score: float  # the same for generated ones


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a run stands after a step."""

    step: int  # steps done
    steps: int  # steps in all
    losses: Losses
    seconds: float  # since this process began or resumed the run
    samples: Path | None = None  # the grid that this step drew
