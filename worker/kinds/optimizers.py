"""Minimizers of smooth functions of many numbers, one step a call: Adam and limited-memory BFGS.

They know nothing of pictures, and their own work is small: the function costs the most. The caller
gives it, and may run it on any thread.
"""

from collections import deque
from collections.abc import Callable
from typing import Protocol

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Function = Callable[[Array], tuple[float, Array]]  # a point to its value and gradient, of the point's shape

_SUFFICIENT_DECREASE, _CURVATURE = 1e-4, 0.9  # Nocedal & Wright's c1 and c2 for quasi-Newton methods
_MAX_TRIALS = 12  # of one line search
_DECAY_MEAN, _DECAY_SQUARE = 0.9, 0.99


class Descent(Protocol):
    """A minimization in progress."""

    point: Array  # the best so far

    def step(self) -> float:
        """Go on; return the function's value where the step began."""


class Adam:
    """Adam after Kingma & Ba 2015 (arXiv:1412.6980), kept within a box, its rate falling to a fifth."""

    def __init__(
        self, start: Array, function: Function, *, steps: int, rate: float, box: tuple[float, float]
    ) -> None:
        self.point = start
        self._function, self._steps, self._rate, self._box = function, steps, rate, box
        self._done = 0
        self._mean, self._square = np.zeros_like(start), np.zeros_like(start)

    def step(self) -> float:
        """Take one of the announced steps."""
        value, gradient = self._function(self.point)
        rate = self._rate * (1 - 0.8 * self._done / self._steps)
        self._done += 1
        self._mean += (1 - _DECAY_MEAN) * (gradient - self._mean)
        self._square += (1 - _DECAY_SQUARE) * (gradient * gradient - self._square)
        mean = self._mean / (1 - _DECAY_MEAN**self._done)
        spread = np.sqrt(self._square / (1 - _DECAY_SQUARE**self._done))
        moved = self.point - np.float32(rate) * mean / (spread + np.float32(1e-12))
        self.point = np.clip(moved, *self._box).astype(np.float32)
        return value


class LimitedMemoryBFGS:
    """L-BFGS after Nocedal & Wright, Numerical Optimization, 2006: algorithms 7.4 and 7.5.

    The line search halves and doubles until the weak Wolfe conditions hold. One step costs one call of the
    function as a rule, and thirteen at most.
    """

    def __init__(
        self, start: Array, function: Function, *, memory: int = 8, first_move: float = 0.02
    ) -> None:
        self.point = start
        self._function, self._first_move = function, first_move  # the largest change of the first trial
        self._pairs: deque[tuple[Array, Array]] = deque(maxlen=memory)  # moves, changes of gradient
        self._value, self._gradient = 0.0, np.empty(0, np.float32)

    def step(self) -> float:
        """Take one step; stays where it is when no better point is found."""
        if not self._gradient.size:
            self._value, self._gradient = self._function(self.point)
        value = self._value
        direction = self._direction()
        if _dot(direction, self._gradient) >= 0:  # rounding has made the memory useless: start again
            self._pairs.clear()
            direction = self._direction()
        self._search(direction)
        return value

    def _direction(self) -> Array:
        """Return minus the inverse Hessian's estimate times the gradient: the two loops of algorithm 7.4."""
        if not self._pairs:
            largest = float(np.abs(self._gradient).max())
            return self._gradient * np.float32(-self._first_move / (largest or 1.0))
        direction, shares = self._gradient.copy(), []
        for move, change in reversed(self._pairs):
            share = _dot(move, direction) / _dot(change, move)
            shares.append(share)
            direction -= np.float32(share) * change
        move, change = self._pairs[-1]
        direction *= np.float32(_dot(move, change) / _dot(change, change))
        for (move, change), share in zip(self._pairs, reversed(shares), strict=True):
            direction += np.float32(share - _dot(change, direction) / _dot(change, move)) * move
        return -direction

    def _search(self, direction: Array) -> None:
        """Find how far to go, by bisection between too far and not far enough, and go there."""
        slope = _dot(direction, self._gradient)
        near, far, length = 0.0, np.inf, 1.0
        for _ in range(_MAX_TRIALS):
            point = self.point + np.float32(length) * direction
            value, gradient = self._function(point)
            if not value <= self._value + _SUFFICIENT_DECREASE * length * slope:
                far = length
            elif _dot(direction, gradient) < _CURVATURE * slope:
                near = length
            else:
                break
            length = (near + far) / 2 if np.isfinite(far) else 2 * near
        if value < self._value:
            self._go(point, value, gradient)

    def _go(self, point: Array, value: float, gradient: Array) -> None:
        move, change = point - self.point, gradient - self._gradient
        if _dot(move, change) > 1e-10 * _dot(change, change):  # else the estimate would not stay positive
            self._pairs.append((move, change))
        self.point, self._value, self._gradient = point, value, gradient


def _dot(one: Array, other: Array) -> float:
    return float(np.vdot(one, other))
