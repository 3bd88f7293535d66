"""How learning rates fall over a run, and when quality checks end it early. Needs no TensorFlow."""

from dataclasses import dataclass, replace
from math import ceil

COOLING = 0.4  # the share of a run, at its end, in which the learning rates fall to 0
WRONG_LABELS = 0.25  # the weight of real pictures under wrong labels in the discriminator's loss
WRONG_LABELS_COOLING = 0.03  # at the end; with more, digits would be clear but alike


@dataclass(frozen=True, slots=True)
class StepSettings:
    """The settings of one step."""

    generator_rate: float  # Adam's learning rates
    discriminator_rate: float
    average_decay: float  # the share of the old that the running average keeps
    wrong_labels: float = 0.0  # the weight of real pictures under wrong labels


def step_settings(step: int, total: int, generator_rate: float, discriminator_rate: float) -> StepSettings:
    """Return the settings of a step, counted from 0: rates are constant, then fall in a line to 0.

    The running average gets longer in the first steps, and once more when the rates begin to fall.
    """
    share = rate_share(step, total)
    is_cooling = step >= (1 - COOLING) * total
    longest = 0.9995 if is_cooling else 0.999
    wrong = WRONG_LABELS_COOLING if is_cooling else WRONG_LABELS
    decay = min(longest, (1 + step) / (10 + step))
    return StepSettings(generator_rate * share, discriminator_rate * share, decay, wrong)


def rate_share(step: int, total: int) -> float:
    """Return which part of its learning rate a step has, counted from 0: 1, then falling in a line to 0."""
    return min(1.0, (1 - step / total) / COOLING)


def total_cooling_from(step: int) -> int:
    """Return the length of the run whose rates begin to fall now, after `step` steps."""
    return ceil(step / (1 - COOLING))


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """The result of the checks until now."""

    total: int  # steps of the whole run; becomes less once, when patience ends
    best_step: int = 0  # of the best check; 0 before the first
    best_quality: float | None = None
    checks_since: int = 0  # checks after the best

    def after(self, quality: float, step: int, patience: int) -> "EarlyStopping":
        """Return the result after one more check; `patience` is how many worse checks in a row end a run.

        The run does not stop at once: its rates begin to fall, as in a run that was planned to be as short.
        Patience 0 never ends it.
        """
        if self.best_quality is None or quality < self.best_quality:
            return replace(self, best_step=step, best_quality=quality, checks_since=0)
        since = self.checks_since + 1
        is_cooling = step >= (1 - COOLING) * self.total
        ends = patience and since >= patience and not is_cooling
        return replace(self, checks_since=since, total=total_cooling_from(step) if ends else self.total)
