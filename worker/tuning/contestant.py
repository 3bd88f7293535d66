"""One candidate's process, as the contest sees it, and how busy others keep the machine meanwhile."""

import json
import os
import selectors
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from shared.errors import AtelierError
from worker.tuning.choice import SIDES, Measured
from worker.tuning.tuned import Candidate

LOAD_SECONDS = 300.0  # for the first line, also on a machine that is very busy
_PATIENCE_SECONDS = 60.0  # for a turn, beyond its own time
_LOOK_SECONDS = 0.2  # between looks whether somebody wants the machine
_CPU_TIMES = Path("/proc/stat")


class Disturbed(Exception):
    """Raised where measuring has to make way."""


class ContestantFailed(AtelierError):
    """Raised where a candidate could not be measured; says why."""

    code = "not_measured"
    title = "Nothing could be measured"


@dataclass(slots=True)
class Load:
    """How busy others kept the cores."""

    whole: float = 0.0  # seconds of all cores
    own: float = 0.0
    busy: float = 0.0

    def share_of_others(self) -> float:
        """Return the share of all cores' time, 0 to 1, that went to other processes."""
        return max(0.0, (self.busy - self.own) / self.whole) if self.whole else 0.0


class Contestant:
    """One candidate's process."""

    def __init__(self, candidate: Candidate, disturbed: Callable[[], bool]) -> None:
        self.measured = Measured(candidate)
        self._disturbed = disturbed

    def start(self) -> None:
        """Return when its models are warm; raise ContestantFailed or Disturbed."""
        self._errors = tempfile.TemporaryFile()  # noqa: SIM115  (closed by `stop`)
        self._process = subprocess.Popen(
            [sys.executable, "-m", "worker.tuning.painter", json.dumps(asdict(self.measured.candidate))],
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
