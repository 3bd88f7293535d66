"""How step sizes and averaging change over a run. Needs no TensorFlow."""

from dataclasses import dataclass
from math import ceil

COOLING = 0.4  # the share of a run, at its end, in which the step sizes fall to 0
WRONG_LABELS = 0.25  # the weight of real pictures under wrong labels in the discriminator's loss
WRONG_LABELS_COOLING = 0.03  # later; more would make digits clear and alike


@dataclass(frozen=True, slots=True)
class StepSizes:
    """What one step goes by."""

    generator_rate: float  # Adam's step sizes
    discriminator_rate: float
    average_decay: float  # the share of the old that the running average keeps
    wrong_labels: float = 0.0  # the weight of real pictures under wrong labels


def step_sizes_at(step: int, total: int, generator_rate: float, discriminator_rate: float) -> StepSizes:
    """Return the step sizes of a step, counted from 0: constant, then rates that fall in a line to 0.

    The running average gets longer in the first steps, and once more when the rates begin to fall.
    """
    share = min(1.0, (1 - step / total) / COOLING)
    is_cooling = step >= (1 - COOLING) * total
    longest = 0.9995 if is_cooling else 0.999
    wrong = WRONG_LABELS_COOLING if is_cooling else WRONG_LABELS
    decay = min(longest, (1 + step) / (10 + step))
    return StepSizes(generator_rate * share, discriminator_rate * share, decay, wrong)


def total_cooling_from(step: int) -> int:
    """Return the length of the run whose rates begin to fall now, after `step` steps."""
    return ceil(step / (1 - COOLING))
