"""Which settings to try, and which of two are better: nothing here measures."""

import math
import statistics
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from worker.tuning.tuned import Candidate

SIDES = (384, 1024)  # of the square photos that are measured, pixels; the second is the usual stroke
LEAST_GAIN = 0.03  # a share: for less, nobody wants other settings
_SLOWER_AT_MOST = 1.25  # times the default's p95, where no limit is given

STAGES = ("kernels", "threads", "allocator", "photo batch")


@dataclass(slots=True)
class Measured:
    """What was measured of one candidate."""

    candidate: Candidate
    rates: dict[int, list[float]] = field(default_factory=lambda: {side: [] for side in SIDES})  # pictures/s
    times: list[float] = field(default_factory=list)  # of single pictures of the larger side, ms
    memory_mebibytes: float = 0.0  # the most that the process held
    verdict: str = ""  # what became of it, in words

    def rate(self, side: int) -> float:
        """Pictures a second: the median of all rounds."""
        return statistics.median(self.rates[side]) if self.rates[side] else 0.0

    @property
    def p95(self) -> float:
        """Milliseconds in which 95 of 100 photos of the larger side are painted, all runners being busy."""
        few = len(self.times) < 2
        return sum(self.times) if few else statistics.quantiles(self.times, n=20, method="inclusive")[-1]


@dataclass(frozen=True, slots=True)
class Limits:
    """What settings must keep to."""

    memory_mebibytes: float
    p95: float  # milliseconds

    @classmethod
    def of(cls, default: Measured, *, memory_mebibytes: float, p95: float | None) -> "Limits":
        """Return the limits; without one of the time, a picture may take little longer than by default."""
        return cls(memory_mebibytes, default.p95 * _SLOWER_AT_MOST if p95 is None else p95)

    def broken_by(self, measured: Measured) -> str:
        """Return which limit a candidate does not keep, in words; "" where it keeps both."""
        if measured.memory_mebibytes > self.memory_mebibytes:
            return f"needs {measured.memory_mebibytes:,.0f} MiB, more than {self.memory_mebibytes:,.0f}"
        if measured.p95 > self.p95:
            return f"a picture takes {measured.p95:,.0f} ms, longer than {self.p95:,.0f}"
        return ""


class Verdict(NamedTuple):
    """Whether the challenger takes the champion's place, and why."""

    wins: bool
    why: str


def judge(champion: Measured, challenger: Measured, ratios: Sequence[float], limits: Limits) -> Verdict:
    """Compare two candidates by the ratios of their speeds, challenger by champion, one for each round.

    The challenger must keep the limits, and be faster by `LEAST_GAIN` and by more than the noise: about two
    standard errors of the median, from the spread of the rounds' middle half, so that a round in which others
    took the machine says little. Where the champion breaks a limit, keeping them is enough.
    """
    if broken := limits.broken_by(challenger):
        return Verdict(False, broken)
    low, middle, high = statistics.quantiles(ratios, n=4, method="inclusive")
    gain, noise = middle - 1, 2 * (high - low) / math.sqrt(len(ratios))
    shown = f"{100 * gain:+.0f} % \N{PLUS-MINUS SIGN} {100 * noise:.0f}"
    if limits.broken_by(champion):
        return Verdict(True, f"keeps the limits, {shown}")
    if gain < LEAST_GAIN:
        return Verdict(False, f"slower, {shown}" if gain < -noise else f"no clear gain, {shown}")
    return Verdict(True, f"faster, {shown}") if gain > noise else Verdict(False, f"within the noise, {shown}")


def challengers(
    stage: str, champion: Candidate, *, cores: int, most_photos: int, pinned: frozenset[str], same_bytes: bool
) -> Iterator[Candidate]:
    """Yield what a stage tries against the champion; nothing that the environment has already decided.

    `most_photos` is how many photos one call could get: 1 where no batch is worth trying, as on processors.
    """
    ways: dict[str, Iterator[Candidate]] = {
        "kernels": _kernels(champion),
        "threads": _splits(champion, cores),
        "allocator": _allocators(champion),
        "photo batch": _photo_batches(champion, most_photos),
    }
    found = ways[stage]
    for candidate in dict.fromkeys(found):
        is_own = any(getattr(candidate, name) != getattr(champion, name) for name in pinned)
        if candidate != champion and not is_own and (candidate.makes_bytes_of(champion) or not same_bytes):
            yield candidate


def _kernels(champion: Candidate) -> Iterator[Candidate]:
    yield replace(champion, kernels="plain" if champion.kernels == "onednn" else "onednn")


def _allocators(champion: Candidate) -> Iterator[Candidate]:
    yield replace(champion, allocator="malloc" if champion.allocator == "bfc" else "bfc")


def _photo_batches(champion: Candidate, most: int) -> Iterator[Candidate]:
    """Yield the whole batch and half of it."""
    for photos in (most, most // 2):
        yield replace(champion, photo_batch=max(1, min(photos, 64)))


def _splits(champion: Candidate, cores: int) -> Iterator[Candidate]:
    """Yield ways to divide the cores: runners by threads within a call; half of them may be hyperthreads."""
    half = max(1, cores // 2)
    for runners, threads in ((cores, 1), (half, 1), (half, 2), (1, cores)):
        yield replace(champion, runners=min(runners, 64), intra_threads=min(threads, cores, 256))
