"""Turns runs into rows: each promise that they can judge, its figure, and whether it was kept."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tests.chaos.clients.ledger import Refusal
from tests.chaos.judging.figures import FILLED, Takeover, percentile
from tests.chaos.judging.oracle import BYTES
from tests.chaos.run import Result

TAKEOVER_SLACK = 2.0  # seconds beyond the lease, P3
RESUME_LIMIT = 6.0  # seconds, P4
RECONNECT_LIMIT = 20.0  # seconds, P5
RELEASE_LIMIT = 1.0  # seconds, P10
FULL_LIMIT = 10.0  # seconds, P9
REFUSALS = (503, 507)  # of new work while something is full


@dataclass(frozen=True, slots=True)
class Row:
    """One promise over one run or several."""

    promise: str
    what: str
    target: str
    figure: str
    is_kept: bool | None  # None where nothing happened that could judge it


def rows_of(results: Sequence[Result]) -> list[Row]:
    """Return all rows."""
    return [
        _count_row(results, "P1", "accepted jobs lost, stuck or refused", ("P1",)),
        _count_row(results, "P2", "two outcomes, other bytes, illegal events or counters", ("P2",)),
        _takeover_row(results),
        _time_row("P4", "server answers again to next claim", RESUME_LIMIT, _all(results, "resumptions")),
        _time_row("P5", "connection lost to next claim", RECONNECT_LIMIT, _all(results, "reconnections")),
        _count_row(results, "P6", "poison jobs without their end, or neighbors that failed", ("P6",)),
        _count_row(results, "P7", "keys and ids with more than one job", ("P7",)),
        _clock_row(results),
        _full_row(results),
        _release_row(results),
        _count_row(results, BYTES, "objects that nobody names", (BYTES,)),
    ]


def _findings(results: Iterable[Result], promises: Sequence[str]) -> list[str]:
    return [f.rule for result in results for f in result.findings if f.promise in promises]


def _count_row(results: Sequence[Result], promise: str, what: str, promises: Sequence[str]) -> Row:
    rules = Counter(_findings(results, promises))
    accepted = sum(result.accepted for result in results)
    detail = ", ".join(f"{count} {rule}" for rule, count in rules.most_common())
    return Row(
        promise,
        what,
        "0",
        f"{sum(rules.values())} of {accepted}" + (f" ({detail})" if detail else ""),
        not rules,
    )


def _all(results: Sequence[Result], name: str) -> list[float]:
    return [value for result in results for value in getattr(result.figures, name)]


def _takeover_row(results: Sequence[Result]) -> Row:
    limit = max((result.plan.scale.lease_seconds for result in results), default=0) + TAKEOVER_SLACK
    every = [takeover for result in results for takeover in result.figures.takeovers]
    return _fair_row("P3", "worker killed or frozen to next claim", limit, every, percent=99)


def _release_row(results: Sequence[Result]) -> Row:
    every = [takeover for result in results for takeover in result.figures.releases]
    return _fair_row("P10", "job released at SIGTERM to next claim", RELEASE_LIMIT, every, percent=99)


def _fair_row(promise: str, what: str, limit: float, every: Sequence[Takeover], *, percent: float) -> Row:
    fair = [one.seconds for one in every if one.is_fair]
    half, most = percentile(fair, 50), percentile(fair, percent)
    mixed = percentile([one.seconds for one in every], percent)
    figure = f"p50 {_seconds(half)}, p{percent:g} {_seconds(most)} of {len(fair)}"
    figure += f"; with other faults on top p{percent:g} {_seconds(mixed)} of {len(every)}"
    return Row(promise, what, f"p{percent:g} <= {limit:g} s", figure, None if most is None else most <= limit)


def _time_row(promise: str, what: str, limit: float, values: Sequence[float]) -> Row:
    most = max(values, default=None)
    figure = f"p50 {_seconds(percentile(values, 50))}, most {_seconds(most)} of {len(values)}"
    return Row(promise, what, f"<= {limit:g} s", figure, None if most is None else most <= limit)


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f} s"


def _clock_row(results: Sequence[Result]) -> Row:
    wrong = [result for result in results if any(result.plan.clocks.values())]
    broken = _findings(wrong, ("P1", "P2", "P6", "P7"))
    figure = f"{len(broken)} findings in {len(wrong)} runs with clocks of API and workers wrong by 1 h"
    return Row("P8", "what changes when clocks are wrong", "nothing", figure, not broken if wrong else None)


def _full_row(results: Sequence[Result]) -> Row:
    failed = _findings(results, ("P9",))
    times = _all(results, "recoveries")
    odd = [refusal for result in results for refusal in _odd_refusals(result)]
    full = Counter(s.fault.kind for result in results for s in result.strikes if s.fault.kind in FILLED)
    figure = ", ".join(f"{kind.replace('_', ' ')} {count} times" for kind, count in sorted(full.items()))
    figure += f": {len(failed)} jobs failed, {len(odd)} odd refusals, "
    figure += f"next success after {_seconds(max(times, default=None))} at most of {len(times)}"
    kept = not failed and not odd and max(times, default=0) <= FULL_LIMIT
    target = f"0 failed, <= {FULL_LIMIT:g} s"
    return Row("P9", "full: accepted work kept, next success", target, figure, kept if full else None)


def _odd_refusals(result: Result) -> list[Refusal]:
    """What a client was told while something was full, and could not make sense of."""
    full = [(s.began, s.ended or s.began) for s in result.strikes if s.fault.kind in FILLED]
    reported = [r for r in result.refusals if any(began <= r.at <= ended for began, ended in full)]
    return [r for r in reported if r.status not in REFUSALS or not r.says_when]
