"""Times, ratios and the table that every benchmark prints, with the machine's load beside it."""

import os
import statistics
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import perf_counter


def timed(action: Callable[[], object]) -> float:
    """Return the seconds that an action takes."""
    began = perf_counter()
    action()
    return perf_counter() - began


def percentile(values: Sequence[float], percent: int) -> float:
    """Return the value below which `percent` (1 to 99) of the values lie."""
    return statistics.quantiles(values, n=100, method="inclusive")[percent - 1]


def machine() -> str:
    """Return how many cores there are and how busy the last minute was."""
    return f"{len(os.sched_getaffinity(0))} cores, load {os.getloadavg()[0]:.2f}"


@dataclass(frozen=True, slots=True)
class Goal:
    """A bound that a figure should keep."""

    bound: float
    at_least: bool = False  # else at most

    def is_met(self, value: float) -> bool:
        """Whether the value keeps the bound."""
        return value >= self.bound if self.at_least else value <= self.bound

    def __str__(self) -> str:
        return f"{'>=' if self.at_least else '<='} {self.bound:g}"


class Table:
    """Figures under a title; those with a goal say whether they meet it."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._before = machine()
        self._rows: list[tuple[str, str, str, str]] = []

    def add(self, label: str, value: float, unit: str = "", goal: Goal | None = None) -> None:
        """Add a figure."""
        verdict = "" if goal is None else ("met" if goal.is_met(value) else "NOT MET")
        self._rows.append((label, f"{value:.3g} {unit}".strip(), str(goal or ""), verdict))

    def print(self) -> None:
        """Print the table, with the load before and after."""
        print(f"\n{self._title}\n  before: {self._before}; after: {machine()}")
        rows = [("", "measured", "goal", ""), *self._rows]
        widths = [max(len(row[column]) for row in rows) for column in range(4)]
        for label, value, goal, verdict in rows:
            print(
                f"  {label:<{widths[0]}}  {value:>{widths[1]}}  {goal:>{widths[2]}}  {verdict}".rstrip(),
                flush=True,
            )
