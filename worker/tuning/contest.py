"""Measures candidates two at a time, in turns, each in a process of its own; the better one stays."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from worker.tuning.choice import SIDES, STAGES, Limits, Measured, challengers, judge
from worker.tuning.tuned import Candidate

LOAD_SECONDS = 120.0  # for a contestant's first line
_PATIENCE_SECONDS = 60.0  # for a turn, beyond its own time
_LEAST_ROUNDS, _MOST_ROUNDS = 3, 9
_TURN_PARTS = {SIDES[0]: 1 / 180, SIDES[1]: 1 / 90}  # of the whole time, that a contestant has for one turn
_LOOK_SECONDS = 0.2  # between looks whether somebody wants the machine
_CPU_TIMES = Path("/proc/stat")


class Disturbed(Exception):
    """Raised where measuring has to make way."""


class ContestantFailed(Exception):
    """Raised where a candidate could not be measured; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to measure, and within which limits."""

    base: Candidate  # which others must beat
    cores: int
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
        return challengers(stage, champion, cores=self.cores, pinned=self.pinned, same_bytes=self.same_bytes)


@dataclass(slots=True)
class Load:
    """How busy others kept the cores."""

    whole: float = 0.0  # seconds of all cores
    own: float = 0.0
    busy: float = 0.0

    def share_of_others(self) -> float:
        """Return the share of all cores' time, 0 to 1, that went to other processes."""
        return max(0.0, (self.busy - self.own) / self.whole) if self.whole else 0.0


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
        return self.champion.failed or self.limits.broken_by(self.champion)


class Contestant:
    """One candidate's process."""

    def __init__(self, candidate: Candidate, disturbed: Callable[[], bool]) -> None:
        self.measured = Measured(candidate)
        self._disturbed = disturbed

    def start(self) -> None:
        """Return when its models are warm; raise ContestantFailed or Disturbed."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `stop`)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.tuning.contestant", json.dumps(asdict(self.measured.candidate))],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C is for the command, which ends this
        )
        self._read(LOAD_SECONDS)

    @property
    def is_alive(self) -> bool:
        """Whether its process runs."""
        return self._process.poll() is None

    def stop(self) -> None:
        """End the process, at once."""
        if hasattr(self, "_process"):
            self._process.kill()
            self._process.communicate()
            self._errors.close()

    def paint(self, side: int, seconds: float, load: Load) -> float:
        """Let it paint for some seconds; note the figures and return pictures a second."""
        assert self._process.stdin is not None
        before = _cpu_times()
        try:
            self._process.stdin.write(f"{json.dumps([side, seconds])}\n".encode())
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise ContestantFailed(self._last_words()) from error
        done = self._read(seconds + _PATIENCE_SECONDS)
        _note(load, before, _cpu_times(), done["processor_seconds"])
        self.measured.rates[side].append(done["rate"])
        self.measured.memory_mebibytes = max(self.measured.memory_mebibytes, done["memory_mebibytes"])
        if side == SIDES[-1]:
            self.measured.times.extend(done["times"])
        return float(done["rate"])

    def _read(self, patience: float) -> dict[str, Any]:
        assert self._process.stdout is not None
        deadline = time.monotonic() + patience
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            while not selector.select(_LOOK_SECONDS):
                if self._disturbed():
                    raise Disturbed
                if time.monotonic() > deadline:
                    raise ContestantFailed(f"no answer within {patience:.0f} s")
        line = self._process.stdout.readline()
        if not line:
            raise ContestantFailed(self._last_words())
        return dict(json.loads(line))

    def _last_words(self) -> str:
        status = self._process.wait()
        self._errors.seek(0)
        lines = self._errors.read().decode("utf-8", "replace").strip().splitlines()
        ended = f"ended by signal {-status}" if status < 0 else f"ended with status {status}"
        return f"{ended}: {lines[-1]}" if lines else ended


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
        try:
            ratios = self._turns(champion, challenger, deadline)
        except BaseException:
            challenger.stop()
            raise
        verdict = judge(champion.measured, challenger.measured, ratios, self._limits)
        challenger.measured.verdict = verdict.why
        loser, winner = (champion, challenger) if verdict.wins else (challenger, champion)
        loser.stop()
        return winner

    def _turns(self, champion: Contestant, challenger: Contestant, deadline: float) -> list[float]:
        """Return the ratio of both speeds in each round; none where the challenger cannot be measured."""
        ratios: list[float] = []
        try:
            self._start(challenger)
            while len(ratios) < _LEAST_ROUNDS or (len(ratios) < _MOST_ROUNDS and time.monotonic() < deadline):
                both = [champion, challenger] if len(ratios) % 2 else [challenger, champion]
                ratios.append(self._round(both, champion))
                self._say(challenger.measured.candidate)
        except ContestantFailed as error:
            if not champion.is_alive:
                raise
            challenger.measured.failed = str(error)
        return ratios

    def _round(self, both: list[Contestant], champion: Contestant) -> float:
        """Let both paint, in this order; return how much faster the champion's rival was, over all sizes."""
        ratio = 1.0
        for side, part in _TURN_PARTS.items():
            for one in both:
                rate = one.paint(side, part * self._plan.seconds, self._load)
                ratio *= 1 / rate if one is champion else rate
        return float(ratio ** (1 / len(_TURN_PARTS)))


def _cpu_times() -> tuple[float, float]:
    """Return for how many seconds all cores have run, and for how many they were busy."""
    try:
        numbers = list(map(int, _CPU_TIMES.read_text("ascii").partition("\n")[0].split()[1:9]))
    except (OSError, ValueError):
        return 0.0, 0.0
    ticks = os.sysconf("SC_CLK_TCK")
    return sum(numbers) / ticks, (sum(numbers) - numbers[3] - numbers[4]) / ticks  # besides idle and iowait


def _note(load: Load, before: tuple[float, float], after: tuple[float, float], own: float) -> None:
    load.whole += after[0] - before[0]
    load.busy += after[1] - before[1]
    load.own += own
