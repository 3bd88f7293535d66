"""What a suite of attacks tried, and what it found."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Protocol


class Progress(Protocol):
    """Is told what a suite has done so far."""

    def __call__(self, done: int, total: int) -> None:
        """Note that so many of all attacks have been made."""


@dataclass(frozen=True, slots=True)
class Finding:
    """An attack that did what it must not."""

    attack: str  # enough to make it again
    fault: str

    def __str__(self) -> str:
        return f"{self.attack}: {self.fault}"


@dataclass(slots=True)
class Report:
    """The end of a suite."""

    suite: str
    tried: int = 0
    seconds: float = 0.0
    findings: list[Finding] = field(default_factory=list)
    notes: dict[str, str] = field(default_factory=dict)  # measured, by name

    def add(self, attack: str, fault: str) -> None:
        """Note a fault."""
        self.findings.append(Finding(attack, fault))


@contextmanager
def until_interrupted(report: Report) -> Iterator[None]:
    """Let Ctrl-C end a long suite early, and its report be printed."""
    try:
        yield
    except KeyboardInterrupt:
        report.notes["ended"] = "early, by hand"
