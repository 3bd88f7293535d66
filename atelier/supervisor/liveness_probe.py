"""Asks a process again and again whether it answers: one that no longer does is as good as dead."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

ASK_EVERY_SECONDS = 1.0
FIRST_ANSWER_SECONDS = 120.0  # what a new process may take before it answers at all


@dataclass(frozen=True, slots=True)
class Probe:
    """A question, and how long the answer may fail to come."""

    answers: Callable[[], bool]  # returns within seconds
    patience_seconds: float


class ProbeWatch:
    """Asks from a thread of its own, as the answer may take a while."""

    def __init__(self, probe: Probe) -> None:
        self._probe = probe
        self._since = time.monotonic()  # of the last answer, or of the start
        self._has_answered = False
        threading.Thread(target=self._ask, name="probe", daemon=True).start()

    def restart(self) -> None:
        """Note that another process begins."""
        self._since, self._has_answered = time.monotonic(), False

    def _ask(self) -> None:
        while True:
            if self._probe.answers():
                self._since, self._has_answered = time.monotonic(), True
            time.sleep(ASK_EVERY_SECONDS)

    def silent_seconds(self) -> float | None:
        """Return how long the process has not answered, if that is too long."""
        silent = time.monotonic() - self._since
        patience = self._probe.patience_seconds if self._has_answered else FIRST_ANSWER_SECONDS
        return silent if silent > patience else None
