"""One process under supervision: a process group, tied to the supervisor, restarted and ended as a whole."""

import contextlib
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from atelier.supervisor.exit_with_parent import tied
from shared.private_files import UMASK
from worker.health import HealthWatch

FIRST_PAUSE_SECONDS = 0.2
LONGEST_PAUSE_SECONDS = 10.0
HEALTHY_AFTER_SECONDS = 30.0  # of running; then the next restart is quick again
MAX_LINE_BYTES = 65_536
OnLine = Callable[[str, str], None]  # a process's name, and a line that it wrote
ASK_EVERY_SECONDS = 1.0
FIRST_RESPONSE_SECONDS = 120.0  # that a new process may need for its first response


@dataclass(frozen=True, slots=True)
class Probe:
    """A check whether a process responds, and how long it may fail."""

    answers: Callable[[], bool]  # returns within seconds
    patience_seconds: float


class ProbeWatch:
    """Runs the check of a probe in a thread, as it may take seconds."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._since = time.monotonic()  # of the last response, or of the start
        self._has_responded = False
        threading.Thread(target=self._ask, name="probe", daemon=True).start()

    def restart(self) -> None:
        """Note that another process begins."""
        self._since, self._has_responded = time.monotonic(), False

    def _ask(self) -> None:
        while True:
            if self._probe.answers():
                self._since, self._has_responded = time.monotonic(), True
            time.sleep(ASK_EVERY_SECONDS)

    def silent_seconds(self) -> float | None:
        """Return how long the process has not responded, if that is too long; else None."""
        silent = time.monotonic() - self._since
        patience = self._probe.patience_seconds if self._has_responded else FIRST_RESPONSE_SECONDS
        return silent if silent > patience else None


@dataclass(frozen=True, slots=True, kw_only=True)
class ChildSpec:
    """What to run, and how it may be ended."""

    name: str
    command: tuple[str, ...]
    environ: Mapping[str, str]
    folder: Path  # working folder
    grace_seconds: float  # from SIGTERM to SIGKILL
    health_file: Path | None = None  # whose progress it must keep up once it was ready
    probe: Probe | None = None  # that must succeed once it did
    before_start: Callable[[], None] = lambda: None
    listener: Callable[[str], None] = lambda _: None  # gets each line that it writes
    inherited: tuple[int, ...] = ()  # file descriptors
    orphan_signal: int = signal.SIGKILL  # what it gets when the supervisor dies


class Backoff:
    """Pauses before restarts: doubling, and short again after a long run."""

    def __init__(self) -> None:
        self._pause = FIRST_PAUSE_SECONDS

    def after(self, uptime_seconds: float) -> float:
        """Return the pause that follows a run of this length."""
        pause = FIRST_PAUSE_SECONDS if uptime_seconds >= HEALTHY_AFTER_SECONDS else self._pause
        self._pause = min(LONGEST_PAUSE_SECONDS, pause * 2)
        return pause


class Child:
    """A process that is started again whenever it ends. Start it from a thread that outlives it."""

    def __init__(self, spec: ChildSpec, on_line: OnLine) -> None:
        self.spec = spec
        self._on_line = on_line
        self._process: subprocess.Popen[bytes] | None = None
        self._health = HealthWatch(spec.health_file) if spec.health_file else None
        self._probe = ProbeWatch(spec.probe) if spec.probe else None
        self._backoff = Backoff()
        self._began = 0.0
        self._due: float | None = None  # when it is to be started again
        self.last_status: int | None = None  # of the last process that ended; negative: by that signal

    @property
    def pid(self) -> int | None:
        """Process id while it runs."""
        return self._process.pid if self._process else None

    @property
    def has_been_ready(self) -> bool:
        """Whether the process runs and, if it keeps a health file, was ready when last tended."""
        if self._process is None:
            return False
        return self._health is None or self._health.has_been_ready(self._process.pid)

    def start(self) -> None:
        """Start the process; what it writes goes to `on_line`."""
        self.spec.before_start()
        self._process = subprocess.Popen(
            tied(self.spec.command, self.spec.orphan_signal),
            env=dict(self.spec.environ),
            cwd=self.spec.folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            pass_fds=self.spec.inherited,
            umask=UMASK,
        )
        self._began, self._due = time.monotonic(), None
        if self._probe:
            self._probe.restart()
        assert self._process.stdout is not None
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()

    def _read(self, pipe: IO[bytes]) -> None:
        with pipe:
            for line in iter(lambda: pipe.readline(MAX_LINE_BYTES), b""):
                text = line.decode("utf-8", "replace").rstrip()
                self._on_line(self.spec.name, text)
                self.spec.listener(text)

    def tend(self) -> str:
        """Restart the process when it has ended or hangs; return what happened, "" for nothing."""
        now = time.monotonic()
        if self._process is None:
            return self._restart_when_due(now)
        status = self.ended()
        if status is None:
            return self._kill_when_stale()
        pause = self._backoff.after(now - self._began)
        self._due = now + pause
        return f"ended {describe(status)}; starts again in {pause:.1f} s"

    def _kill_when_stale(self) -> str:
        stale = self._health.stale_seconds(self._process.pid) if self._health and self._process else None
        if stale is not None:
            self.kill()
            return f"made no progress for {stale:.0f} s; killed"
        silent = self._probe.silent_seconds() if self._probe else None
        if silent is not None:
            self.kill()
            return f"has not answered for {silent:.0f} s; killed"
        return ""

    def _restart_when_due(self, now: float) -> str:
        if self._due is None or now < self._due:
            return ""
        self.start()
        return f"started again as process {self.pid}"

    def ended(self) -> int | None:
        """Return the status of a process that has ended, once, after ending what is left of its group."""
        status = self._process.poll() if self._process else None
        if self._process is None or status is None:
            return None
        _signal_group(self._process.pid, signal.SIGKILL)
        self._process, self.last_status = None, status
        return status

    def terminate(self) -> None:
        """Ask the process to end, also where it is frozen; it ends its children itself."""
        self._due = None
        if self._process is not None:
            self._process.terminate()
            _signal_group(self._process.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End the process and its group at once."""
        if self._process is not None:
            _signal_group(self._process.pid, signal.SIGKILL)


def _signal_group(group: int, number: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(group, number)


def describe(status: int) -> str:
    """Return in words how a process ended."""
    if status >= 0:
        return f"with status {status}"
    return f"by {signal.Signals(-status).name}" if -status in set(signal.Signals) else f"by signal {-status}"
