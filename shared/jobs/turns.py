"""Computes the turns of a lane's owners as the script `claim` gives them (lua/includes/turns.lua)."""

import math
from dataclasses import dataclass
from fractions import Fraction

PARTS = 16  # of the step between two turns, of which turns are multiples
ROUNDING = 0.001  # more than a number of parts is off by rounding


@dataclass(frozen=True, slots=True)
class Turns:
    """The turns of one owner. They are exact, so that equal turns of two owners are told from near ones."""

    owner: str
    turn: float  # its next one
    later: float  # the one from which all but the next are counted; greater where it could not have its turn
    weight: int
    limit: int = 0  # jobs of the owner that may run at once; 0 for any number

    def at(self, number: int) -> Fraction:
        """Return a turn by its number; 0 is the next one."""
        start = self.turn if number == 0 else self.later
        parts = start * PARTS * self.weight
        is_whole = abs(parts - round(parts)) < ROUNDING
        first = Fraction(round(parts), PARTS * self.weight) if is_whole else Fraction(start)
        return first + Fraction(number, self.weight)

    def number_before(self, turn: Fraction, owner: str) -> int:
        """Return how many of its turns come before a turn of another owner; equal ones go by name."""
        goes_first = self.owner < owner
        between = (turn - self.at(1)) * self.weight  # turns after the one with number 1
        later = 1 + (math.floor(between) + 1 if goes_first else math.ceil(between))
        is_next_before = self.at(0) < turn or (goes_first and self.at(0) == turn)
        return max(later, int(is_next_before), 0)
