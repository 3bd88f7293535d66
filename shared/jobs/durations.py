"""The mean duration of jobs by model and by size, measured from finished jobs."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from shared.cards.parts import name_of
from shared.specs.spec import limited_model, parted, units_of

FIXED_MS = 30.0  # part of a job's time that does not grow with its size, if only one size was measured
LEAST_MS = 0.1  # what a job costs at least, as in jobs/succeed.lua
OVERRUN = 0.5  # a late job is expected to run for half of its delay more


@dataclass(frozen=True, slots=True)
class Running:
    """A running job."""

    id: str
    work: str
    elapsed_ms: float
    owner: str = ""
    worker: str = ""


class MeanDurations:
    """Estimates the cost of a kind of work: the milliseconds for which it keeps one worker slot busy.

    The cost is NaN if neither this work nor any other work of its model was measured.
    """

    def __init__(self, measured: Mapping[str, str], places: int, running: Iterable[Running]) -> None:
        # Without a worker there is no slot; work costs then what it would with one.
        costs = {name: _cost(text, max(1, places)) for name, text in measured.items()}
        self._known = {name: cost for name, cost in costs.items() if ":" in name}
        # Written by an older Atelier: one value for a whole model.
        self._of_models = {name: cost for name, cost in costs.items() if ":" not in name}
        self._longest: dict[str, float] = {}
        for job in running:
            self._longest[job.work] = max(job.elapsed_ms, self._longest.get(job.work, 0.0))

    def cost(self, work: str) -> float:
        """Return the cost of a job in milliseconds."""
        known = self._known.get(work)
        if known is not None:
            return known
        likely, longest = self._likely(work), self._longest.get(work, math.nan)
        return max(likely, longest) if likely == likely else longest

    def remainder(self, job: Running) -> float:
        """Return the remaining cost of a running job; it is always more than zero."""
        cost = self._known.get(job.work) or self._likely(job.work)
        if math.isnan(cost):
            return job.elapsed_ms  # the job is equally likely to be in its first half or in its second half
        return max(cost - job.elapsed_ms, 0.05 * cost, OVERRUN * (job.elapsed_ms - cost))

    def total(self, counts: Mapping[str, float]) -> float:
        """Return the total cost of the given numbers of jobs of each kind."""
        return sum(count * self.cost(work) for work, count in counts.items())

    def _likely(self, work: str) -> float:
        """Estimate the cost of work whose size was not measured, from other sizes of its model.

        From those that are enlarged alike, where one of them was measured.
        """
        model, size = parted(work)
        of_model = [name for name in self._known if parted(name)[0] == model]
        if not of_model:  # another version is the best guess
            of_model = [name for name in self._known if limited_model(name) == name_of(model)]
        alike = [name for name in of_model if name.partition(":")[0] == work.partition(":")[0]]
        points = {parted(name)[1]: self._known[name] for name in alike or of_model}
        sized = {units_of(known): cost for known, cost in points.items() if known is not None}
        if not sized or size is None:
            costs = list(points.values()) or [self._of_models.get(model, math.nan)]
            return math.exp(sum(map(math.log, costs)) / len(costs))
        units = units_of(size)
        fixed, rate = _line(sized)
        nearest = min(sized, key=lambda known: abs(math.log(known / units)))
        return sized[nearest] * (fixed + rate * units) / (fixed + rate * nearest)


def _cost(text: str, places: int) -> float:
    """Return a job's cost from its stored times: its wall time, or less if more jobs ran than slots exist."""
    wall, _, rest = text.partition(" ")
    share = rest.partition(" ")[0]
    return max(1.0, float(wall)) if not share else max(LEAST_MS, min(float(wall), float(share) * places))


def _line(points: Mapping[float, float]) -> tuple[float, float]:
    """Fit a line to the points by relative error; return the fixed cost and the cost of one unit."""
    if len(points) == 1:
        ((units, cost),) = points.items()
        fixed = min(FIXED_MS, cost / 2)
        return fixed, (cost - fixed) / units
    pairs = [(1 / cost, units / cost) for units, cost in points.items()]
    aa, ab, bb = (sum(f(a, b) for a, b in pairs) for f in (_square, lambda a, b: a * b, lambda _, b: b * b))
    a, b = sum(a for a, _ in pairs), sum(b for _, b in pairs)
    determinant = aa * bb - ab * ab
    if determinant <= 0:
        return 0.0, b / bb
    fixed, rate = (a * bb - b * ab) / determinant, (aa * b - ab * a) / determinant
    if fixed < 0:
        return 0.0, b / bb
    return (a / aa, 0.0) if rate < 0 else (fixed, rate)


def _square(a: float, _: float) -> float:
    return a * a
