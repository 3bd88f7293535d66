"""Measures candidates two at a time, in turns; the better one stays."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

from worker.tuning.choice import SIDES, STAGES, Limits, Measured, challengers, judge
from worker.tuning.contestant import Contestant, ContestantFailed, Load
from worker.tuning.tuned import Candidate

_LEAST_ROUNDS, _MOST_ROUNDS = 3, 9
_TURN_PARTS = {SIDES[0]: 1 / 180, SIDES[1]: 1 / 90}  # of the whole time, that a contestant has for one turn


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure, and within which limits."""

    base: Candidate  # which others must beat
    cores: int
    most_photos: int = 1  # that one call could get; 1: no batch of photos is tried
    pinned: frozenset[str]  # what the environment has decided
    same_bytes: bool
    memory_mebibytes: float
    p95: float | None  # milliseconds
    seconds: float  # that all of it is to take

    def duels(self) -> int:
        """Return how many there will be, at most."""
        return sum(len(list(self.challengers(stage, self.base))) for stage in STAGES)

    def challengers(self, stage: str, champion: Candidate) -> Iterator[Candidate]:
        """Yield what a stage tries."""
        return challengers(
            stage,
            champion,
            cores=self.cores,
            most_photos=self.most_photos,
            pinned=self.pinned,
            same_bytes=self.same_bytes,
        )


@dataclass(slots=True)
class Outcome:
    """The table, and what was chosen."""

    rows: list[Measured]
    champion: Measured
    limits: Limits
    load: Load = field(default_factory=Load)

    @property
    def broken(self) -> str:
        """Which limit even the best candidate breaks; "" where it keeps them."""
        return self.limits.broken_by(self.champion)


OnStep = Callable[[str, float], None]  # what is measured, and the share of the time that is over


class Contest:
    """Finds the best settings within a plan."""

    def __init__(
        self, plan: Plan, on_step: OnStep = lambda *_: None, disturbed: Callable[[], bool] = lambda: False
    ) -> None:
        self._plan = plan
        self._on_step = on_step
        self._disturbed = disturbed
        self._began = time.monotonic()
        self._load = Load()
        self._base = Contestant(plan.base, disturbed)
        self._rows = [self._base.measured]

    def run(self) -> Outcome:
        """Let each challenger meet the champion, which is the base at first.

        Raises ContestantFailed where not even the base can run, Disturbed where others want the machine.
        """
        champion, left = self._base, self._plan.duels()
        try:
            self._start(champion)
            for stage in STAGES:
                for candidate in self._new(stage, champion.measured.candidate):
                    champion = self._meet(champion, candidate, share=1 / max(1, left))
                    left -= 1
            if not self._base.measured.times:
                raise ContestantFailed(f"no other settings could be tried: {self._rows[-1].verdict}")
            return Outcome(self._rows, champion.measured, self._limits, self._load)
        finally:
            champion.stop()

    @property
    def _limits(self) -> Limits:
        plan = self._plan
        return Limits.of(self._base.measured, memory_mebibytes=plan.memory_mebibytes, p95=plan.p95)

    def _new(self, stage: str, champion: Candidate) -> Iterator[Candidate]:
        seen = {row.candidate for row in self._rows}
        return (one for one in self._plan.challengers(stage, champion) if one not in seen)

    def _start(self, contestant: Contestant) -> None:
        self._say(contestant.measured.candidate)
        contestant.start()

    def _say(self, candidate: Candidate) -> None:
        self._on_step(str(candidate), min(1.0, (time.monotonic() - self._began) / self._plan.seconds))

    def _meet(self, champion: Contestant, candidate: Candidate, *, share: float) -> Contestant:
        """Measure a challenger and the champion, in turns; stop the one that loses and return the other."""
        left = self._began + self._plan.seconds - time.monotonic()
        deadline = time.monotonic() + left * share
        challenger = Contestant(candidate, self._disturbed)
        self._rows.append(challenger.measured)
        winner, verdict = champion, ""
        try:
            ratios = self._turns(champion, challenger, deadline)
            wins, verdict = judge(champion.measured, challenger.measured, ratios, self._limits)
            winner = challenger if wins else champion
        except ContestantFailed as error:
            if not champion.is_alive:
                raise
            verdict = error.detail
        finally:
            challenger.measured.verdict = verdict
            (champion if winner is challenger else challenger).stop()
        return winner

    def _turns(self, champion: Contestant, challenger: Contestant, deadline: float) -> list[float]:
        """Return the ratio of both speeds in each round."""
        ratios: list[float] = []
        self._start(challenger)
        while len(ratios) < _LEAST_ROUNDS or (len(ratios) < _MOST_ROUNDS and time.monotonic() < deadline):
            both = [champion, challenger] if len(ratios) % 2 else [challenger, champion]
            ratios.append(self._round(both, champion))
            self._say(challenger.measured.candidate)
        return ratios

    def _round(self, both: list[Contestant], champion: Contestant) -> float:
        """Let both paint, in this order; return how much faster the champion's rival was, over all sizes."""
        ratio = 1.0
        for side, part in _TURN_PARTS.items():
            for one in both:
                rate = one.paint(side, part * self._plan.seconds, self._load)
                ratio *= 1 / rate if one is champion else rate
        return float(ratio ** (1 / len(_TURN_PARTS)))
