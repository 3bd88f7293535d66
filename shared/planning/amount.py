"""Amounts that are not known exactly: a range, and what it rests on."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self


@dataclass(frozen=True, slots=True)
class Amount:
    """Something between two numbers."""

    low: float
    high: float
    basis: str = ""  # in words: what was measured where, or what is assumed

    @classmethod
    def around(cls, values: Sequence[float], factor: float, basis: str) -> Self:
        """Return what lies around values that were measured, each true up to a factor."""
        return cls(min(values) / factor, max(values) * factor, basis)

    def times(self, factor: float, basis: str = "") -> "Amount":
        """Return so many of it."""
        return Amount(self.low * factor, self.high * factor, basis or self.basis)
