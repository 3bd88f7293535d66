"""Where a run stands by its quality checks: the best so far, and when to come to an end."""

from dataclasses import dataclass, replace

from worker.training.schedule import COOLING, total_cooling_from


@dataclass(frozen=True, slots=True)
class EarlyStopping:
    """What the checks up to now say."""

    total: int  # steps of the whole run; falls once when patience ends
    best_step: int = 0  # of the best check; 0 before the first
    best_quality: float | None = None
    checks_since: int = 0  # checks after the best

    def after(self, quality: float, step: int, patience: int) -> "EarlyStopping":
        """Return the standing after a check; `patience` is the number of worse ones in a row to bear.

        When it ends, the run does not break off but comes to its end early: the step sizes begin to fall at
        once, as they would have in a run planned that short. Patience 0 never ends.
        """
        if self.best_quality is None or quality < self.best_quality:
            return replace(self, best_step=step, best_quality=quality, checks_since=0)
        since = self.checks_since + 1
        is_cooling = step >= (1 - COOLING) * self.total
        ends = patience and since >= patience and not is_cooling
        return replace(self, checks_since=since, total=total_cooling_from(step) if ends else self.total)
