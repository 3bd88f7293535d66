"""The findings of `atelier doctor`; the checks are beside."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    WARN = "warn"  # works, but not as it should
    FAIL = "fail"  # does not work


@dataclass(frozen=True, slots=True)
class Finding:
    """One line of `atelier doctor`."""

    name: str
    level: Level
    text: str
    mend: str = ""  # the remedy, by the name that --json prints; "" where nothing is to be done


def ok(name: str, text: str) -> Finding:
    """Return a finding without a fault."""
    return Finding(name, Level.OK, text)


def warn(name: str, text: str, remedy: str) -> Finding:
    """Return a finding that one can live with."""
    return Finding(name, Level.WARN, text, remedy)


def fail(name: str, text: str, remedy: str) -> Finding:
    """Return a finding that keeps Atelier from working."""
    return Finding(name, Level.FAIL, text, remedy)
