"""Keeps processes running, in phases: each starts after the one before it, and ends before it."""

import os
import signal
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import FrameType

from atelier.supervisor.child_process import Child, ChildSpec
from atelier.supervisor.process_log import ProcessLog
from shared.settings import EXIT_CONFIGURATION

TICK_SECONDS = 0.1
STARTING_TICK_SECONDS = 0.02  # until everything was ready once
EXIT_FAILED = 1
HURRIED_SECONDS = 3.0  # the grace of a second Ctrl-C, for the server alone to write its last lines
OnChange = Callable[[Mapping[str, int]], None]  # the processes that run, by name
STDIN = 0


class Shutdown:
    """Requests to stop: by a signal, or by the end of standard input. A second one means at once."""

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
        while os.read(STDIN, 4096):  # not by sys.stdin: its lock would be held when the interpreter ends
            pass
        self.requested.set()


class Supervisor:
    """Starts, tends and ends children. Use it from one thread, which must outlive them."""

    def __init__(self, log: ProcessLog, shutdown: Shutdown, *, on_change: OnChange = lambda _: None) -> None:
        self._log = log
        self._shutdown = shutdown
        self._on_change = on_change
        self._phases: list[list[Child]] = []
        self.exit_status = 0  # another where a process cannot run, and no restart helps
        self.was_ready = (
            False  # everything has been ready once: a folder that is missing since then may come back
        )

    def start_phase(self, specs: Iterable[ChildSpec]) -> None:
        """Start some processes together. They end together, before those started earlier."""
        self._phases.append([])
        for spec in specs:
            self._add(spec, self._phases[-1])
        self._report_processes()

    def start_beside(self, name: str, spec: ChildSpec) -> None:
        """Start a process that ends together with the one of this name, which was started earlier."""
        phase = next(phase for phase in self._phases if any(child.spec.name == name for child in phase))
        self._add(spec, phase)
        self._report_processes()

    def _add(self, spec: ChildSpec, phase: list[Child]) -> None:
        phase.append(Child(spec, self._log.line))
        phase[-1].start()

    def run_until(self, is_met: Callable[[], bool]) -> bool:
        """Tend the children until the condition holds; return False where a shutdown came first."""
        while not self._shutdown.requested.is_set():
            if is_met():
                return True
            self._tend()
            self._shutdown.requested.wait(TICK_SECONDS if self.was_ready else STARTING_TICK_SECONDS)
        return False

    def are_ready(self) -> bool:
        """Whether every process runs and has been ready."""
        return all(child.has_been_ready for child in self._children())

    def _children(self) -> list[Child]:
        return [child for phase in self._phases for child in phase]

    def _tend(self) -> None:
        reports = [(child, child.tend()) for child in self._children()]
        for child, text in reports:
            if text:
                self._log.say(f"{child.spec.name} {text}")
        if any(text for _, text in reports):
            self._give_up_on_configuration()
            self._report_processes()

    def _give_up_on_configuration(self) -> None:
        if self.was_ready:
            return
        hopeless = [
            c.spec.name for c in self._children() if not c.pid and c.last_status == EXIT_CONFIGURATION
        ]
        if hopeless:
            reason = f"{', '.join(hopeless)} cannot run with these settings; the lines above say why"
            self.give_up(reason, status=EXIT_CONFIGURATION)

    def give_up(self, reason: str, *, status: int = EXIT_FAILED) -> None:
        """Report what no restart can fix, and stop everything. For any thread."""
        self._log.say(f"{reason}; stopping")
        self.exit_status = status
        self._shutdown.requested.set()

    def _report_processes(self) -> None:
        self._on_change({child.spec.name: child.pid for child in self._children() if child.pid})

    def stop(self) -> None:
        """End every process, the last phase first; those that exceed their grace time are killed."""
        while self._phases:
            self._stop_phase(self._phases.pop(), is_first_started=not self._phases)
            self._report_processes()

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
