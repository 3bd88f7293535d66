"""The settings of a training run, and what it reports. Imports no TensorFlow."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol

from shared.errors import InvalidRequest
from worker.models.generation.dcgan import SIDES


@dataclass(frozen=True, slots=True, kw_only=True)
class RunConfig:
    """What every run has.

    Two runs with equal hyperparameters on one machine end with equal weights, resumed or not.
    """

    out: Path  # folder for checkpoints, metrics, samples and the exported weights
    steps: int  # at most
    batch_size: int
    seed: int = 0
    checkpoint_every: int = 500  # steps
    sample_every: int = 500  # steps; 0 draws none
    metrics_every: int = 20  # steps
    resume: bool = False  # go on from the newest checkpoint in `out`

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "checkpoint_every", "metrics_every"):
            check(name, getattr(self, name) >= 1, "at least 1")
        check("sample_every", self.sample_every >= 0, "at least 0")
        check("seed", 0 <= self.seed < 2**53, "at least 0 and under 2**53")

    def hyperparameters(self) -> dict[str, Any]:
        """Return what the weights depend on besides the data; a run is resumed only with the same."""
        return {"steps": self.steps, "batch_size": self.batch_size, "seed": self.seed}


@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig(RunConfig):
    """One run of the digit generator, or of one for other pictures."""

    data: str  # "mnist" to download that, an .npz, or a folder of images; see `load_pictures`
    size: int | None = None  # side of the pictures, pixels; None: as in the data
    channels: int | None = None  # 1 or 3; None: as in the data
    steps: int = 4000
    batch_size: int = 32
    check_every: int = 500  # steps between checks of quality; 0: none, and the last step's weights count
    patience: int = 5  # checks without a better one, after which the run ends early; 0: never
    generator_rate: float = 4e-4  # Adam's learning rate before it falls
    discriminator_rate: float = 2e-4

    def __post_init__(self) -> None:
        RunConfig.__post_init__(self)  # slots take away `super()`
        for name in ("check_every", "patience"):
            check(name, getattr(self, name) >= 0, "at least 0")
        if self.size is not None:
            check_size(self.size)
        check("channels", self.channels in (None, 1, 3), "1 or 3")

    def hyperparameters(self) -> dict[str, Any]:
        """Return what the weights depend on besides the data; a run is resumed only with the same."""
        return {
            **RunConfig.hyperparameters(self),
            "check_every": self.check_every,
            "patience": self.patience,
            "generator_rate": self.generator_rate,
            "discriminator_rate": self.discriminator_rate,
        }


def check_size(side: int) -> None:
    """Raise InvalidRequest where no generator makes pictures of this side, in pixels."""
    check("size", side in SIDES, f"a multiple of 4 from {SIDES[0]} to {SIDES[-1]}")


def check(name: str, is_good: bool, wanted: str) -> None:
    """Raise InvalidRequest for a setting that is not as wanted."""
    if not is_good:
        raise InvalidRequest.of_field(f"/{name}", f"{name} must be {wanted}")


class TrainingStopped(Exception):
    """Raised where a run was asked to stop; everything up to `step` is saved."""

    def __init__(self, step: int) -> None:
        self.step = step
        super().__init__(f"stopped after step {step}")


class Measured(Protocol):
    """The measurements of one step, before its update."""

    def metrics(self) -> dict[str, float]:
        """Return what the metrics log has of them, by name."""

    def __str__(self) -> str:
        """Return them as a line of progress has them."""


@dataclass(frozen=True, slots=True)
class Losses:
    """The measurements of one step of a generator and its discriminator."""

    generator: float
    discriminator: float
    real_score: float  # mean probability that the discriminator gives to real pictures
    fake_score: float  # the same for generated ones

    def metrics(self) -> dict[str, float]:
        """Return the losses and scores, by name."""
        named = asdict(self)
        return {name if name.endswith("score") else f"{name}_loss": value for name, value in named.items()}

    def __str__(self) -> str:
        """Return the losses, and how real the discriminator takes real and made pictures to be."""
        return (
            f"generator {self.generator:.3f}  discriminator {self.discriminator:.3f}  "
            f"real {self.real_score:.2f}  made {self.fake_score:.2f}"
        )


@dataclass(frozen=True, slots=True)
class StepReport:
    """How far a run is after a step."""

    step: int  # steps done
    steps: int  # steps in all
    losses: Measured
    seconds: float  # since this process began or resumed the run
    samples: Path | None = None  # the grid that this step drew
    quality: float | None = None  # the result of this step's check: 0 is as good as the data
