"""Keeps processes running, in phases: each phase starts when the one before it stands, and ends before it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType

from atelier.supervisor.child_process import Child, ChildSpec
from atelier.supervisor.process_log import ProcessLog
from shared.settings import EXIT_CONFIGURATION

STDIN = 0


class Shutdown:
    """What the outside wants."""

    def __init__(self) -> None:
        self.requested = threading.Event()
        self.hurried = threading.Event()

    def listen(self) -> None:
        """Take SIGINT, SIGTERM and SIGHUP as requests. Call it from the main thread."""
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._on_signal)

    def _on_signal(self, _number: int, _frame: FrameType | None) -> None:
        (self.hurried if self.requested.is_set() else self.requested).set()

    def listen_to_stdin(self) -> None:
        """Take the end of standard input as a request: it comes with the end of the process that holds it."""
        threading.Thread(target=self._until_end, daemon=True).start()

    def _until_end(self) -> None:
        while os.read(
            STDIN, 4096
        ):  # not through sys.stdin, whose lock would be held at the interpreter's end
            pass
        self.requested.set()


TICK_SECONDS = 0.1
EXIT_FAILED = 1
HURRIED_SECONDS = 3.0  # the grace of a second Ctrl-C, for the server alone to write its last lines

OnChange = Callable[[Mapping[str, int]], None]  # the processes that run, by name


class Supervisor:
    """Starts, tends and ends children. Use it from one thread, which must outlive them."""

    def __init__(self, log: ProcessLog, shutdown: Shutdown, *, on_change: OnChange = lambda _: None) -> None:
        self._log = log
        self._shutdown = shutdown
        self._on_change = on_change
        self._phases: list[list[Child]] = []
        self.exit_status = 0  # another where something cannot run, and no restart helps
        self.has_stood = False  # everything has been ready once: a place that went away since may come back

    def start_phase(self, specs: Iterable[ChildSpec]) -> None:
        """Start some processes together. They end together, before those started earlier."""
        self._phases.append([Child(spec, self._log.line) for spec in specs])
        for child in self._phases[-1]:
            child.start()
        self._tell()

    def run_until(self, is_met: Callable[[], bool]) -> bool:
        """Tend the children until the condition holds; return False where a shutdown came first."""
        while not self._shutdown.requested.is_set():
            if is_met():
                return True
            self._tend()
            self._shutdown.requested.wait(TICK_SECONDS)
        return False

    def are_ready(self) -> bool:
        """Whether every process runs and has been ready."""
        return all(child.has_been_ready for child in self._children())

    def _children(self) -> list[Child]:
        return [child for phase in self._phases for child in phase]

    def _tend(self) -> None:
        news = [(child, child.tend()) for child in self._children()]
        for child, text in news:
            if text:
                self._log.say(f"{child.spec.name} {text}")
        if any(text for _, text in news):
            self._give_up_on_configuration()
            self._tell()

    def _give_up_on_configuration(self) -> None:
        if self.has_stood:
            return
        hopeless = [
            c.spec.name for c in self._children() if not c.pid and c.last_status == EXIT_CONFIGURATION
        ]
        if hopeless:
            reason = f"{', '.join(hopeless)} cannot run with these settings; the lines above say why"
            self.give_up(reason, status=EXIT_CONFIGURATION)

    def give_up(self, reason: str, *, status: int = EXIT_FAILED) -> None:
        """Say what no restart can mend, and have everything stopped. May be called from any thread."""
        self._log.say(f"{reason}; stopping")
        self.exit_status = status
        self._shutdown.requested.set()

    def _tell(self) -> None:
        self._on_change({child.spec.name: child.pid for child in self._children() if child.pid})

    def stop(self) -> None:
        """End every process, the last phase first; what outstays its grace is killed."""
        while self._phases:
            self._stop_phase(self._phases.pop(), is_first_started=not self._phases)
            self._tell()

    def _stop_phase(self, phase: Sequence[Child], *, is_first_started: bool) -> None:
        began = time.monotonic()
        for child in phase:
            child.terminate()
        while running := [child for child in phase if child.pid]:
            elapsed = time.monotonic() - began
            for child in running:
                if elapsed > self._grace(child, is_first_started=is_first_started):
                    child.kill()
                self._note_end(child)
            time.sleep(TICK_SECONDS / 5)

    def _grace(self, child: Child, *, is_first_started: bool) -> float:
        if not self._shutdown.hurried.is_set():
            return child.spec.grace_seconds
        return HURRIED_SECONDS if is_first_started else 0.0

    def _note_end(self, child: Child) -> None:
        status = child.ended()
        if status is not None:
            self._log.say(f"{child.spec.name} stopped")
