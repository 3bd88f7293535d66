"""Measures a run: how soon work went on after each fault. Judges nothing, and leaves nothing out silently."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

from tests.chaos.cluster import THREADS
from tests.chaos.faults import Strike
from tests.chaos.judging.facts import Facts, Happening, JobFacts
from tests.chaos.monitor import PERIOD_SECONDS, Sample
from tests.chaos.plan import MODEL_WORKERS

SLACK_MILLISECONDS = 50  # pause before a next claim up to which it counts as none
LONG_STOP = 1.0  # leases; a process stopped for longer has lost what it held
FILLED = ("disk_full", "server_full")
HARMLESS = ("api", "worker-io")  # to what workers do among themselves
LASTING = {"half_open": 20.0, "black_hole": 6.0, "cut": 2.0, "refuse": 2.0}  # seconds until it is noticed
FRESH_SECONDS = 2.0  # work that comes this soon shows as well that work goes on
MARGIN_SECONDS = 1.0  # after any other fault


@dataclass(frozen=True, slots=True)
class Takeover:
    """An attempt that a struck worker held, and how soon another began."""

    job: str
    kind: str  # of the fault
    seconds: float  # from the strike, or from the release, to the next claim
    is_fair: bool  # nothing else was broken meanwhile, and a slot was free elsewhere


@dataclass(frozen=True, slots=True)
class Figures:
    """The measured times of a run, in seconds."""

    takeovers: tuple[Takeover, ...]  # after a kill or a long stop of a worker
    releases: tuple[Takeover, ...]  # after a SIGTERM of a worker: from the job's being given back
    resumptions: tuple[float, ...]  # from the server's answering again to the next claim, work waiting
    reconnections: tuple[float, ...]  # from a worker's lost connection to its next claim
    recoveries: tuple[
        float, ...
    ]  # from room on the disk, or in the server, to the next success, work waiting
    settle_seconds: float  # from the end of the storm's last fault to the end of its last job


def measure(
    facts: Facts, strikes: Sequence[Strike], samples: Sequence[Sample], *, settle_seconds: float
) -> Figures:
    """Work out all figures of a run."""
    run = _Run(facts, strikes, samples)
    return Figures(
        takeovers=tuple(run.takeovers()),
        releases=tuple(run.releases()),
        resumptions=tuple(run.resumptions()),
        reconnections=tuple(run.reconnections()),
        recoveries=tuple(run.recoveries()),
        settle_seconds=settle_seconds,
    )


class _Run:
    def __init__(self, facts: Facts, strikes: Sequence[Strike], samples: Sequence[Sample]) -> None:
        self._facts = facts
        self._strikes = strikes
        self._samples = samples
        self._lease = facts.plan.scale.lease_seconds
        self._claims = sorted(at / 1000 for job in facts.jobs.values() for at in _claim_times(job))

    def takeovers(self) -> Iterator[Takeover]:
        for strike in self._strikes:
            is_stop = strike.fault.kind == "stop" and strike.fault.seconds > LONG_STOP * self._lease + 1
            if strike.fault.target in MODEL_WORKERS and (strike.fault.kind == "kill" or is_stop):
                yield from self._successors(strike)

    def _successors(self, strike: Strike) -> Iterator[Takeover]:
        for job_id, attempt in strike.held.items():
            job = self._facts.jobs.get(job_id)
            starts = _starts(job) if job else []
            if job is None or len(starts) <= attempt:
                continue  # it had just ended, or was withdrawn
            at = starts[attempt].milliseconds / 1000
            due = min(strike.began + self._lease, at)  # before that nobody may take it
            fair = not self._is_disturbed(strike, strike.began, at) and self._slot_was_free(strike, due, at)
            fair = fair and not _had_to_pause(job, attempt)
            yield Takeover(job_id, strike.fault.kind, at - strike.began, fair)

    def releases(self) -> Iterator[Takeover]:
        for strike in self._strikes:
            if strike.fault.kind != "term" or strike.fault.target not in MODEL_WORKERS:
                continue
            for job_id, attempt in strike.held.items():
                job = self._facts.jobs.get(job_id)
                starts = _starts(job) if job else []
                given = _put_back(job, attempt) if job else None
                if job is None or given is None or len(starts) <= attempt:
                    continue  # it was finished within the grace
                freed, at = given.milliseconds / 1000, starts[attempt].milliseconds / 1000
                fair = not self._is_disturbed(strike, freed, at) and self._slot_was_free(strike, freed, at)
                yield Takeover(job_id, "term", at - freed, fair)

    def _is_disturbed(self, strike: Strike | None, began: float, ended: float) -> bool:
        """Whether anything else was broken then that workers and server notice."""
        others = (s for s in self._strikes if s is not strike and s.fault.target not in HARMLESS)
        return any(s.began < ended and end_of(s) > began for s in others)

    def _slot_was_free(self, strike: Strike, began: float, ended: float) -> bool:
        window = [sample for sample in self._samples if began - 2 * PERIOD_SECONDS <= sample.at <= ended]
        return bool(window) and all(_has_free_slot(sample, strike.pid) for sample in window)

    def resumptions(self) -> Iterator[float]:
        for away, back in _outages(self._samples):
            if self._could_go_on(self._cause(away), away, back):
                yield self._next(self._claims, back)

    def _cause(self, away: float) -> Strike | None:
        """Return the last strike on the server before it went away; the looks are some tenths apart."""
        before = [s for s in self._strikes if s.fault.target == "redis" and s.began <= away + 1]
        return max(before, key=lambda strike: strike.began, default=None)

    def _could_go_on(self, cause: Strike | None, began: float, ended: float) -> bool:
        """Whether there was work in the end, a free worker for it, and nothing else broken."""
        sample = next((s for s in self._samples if s.at >= ended and s.server_answers), None)
        if sample is None or not _has_free_slot(sample, 0):
            return False
        has_work = sample.waiting or any(0 <= at - ended < FRESH_SECONDS for at in self._submissions())
        return bool(has_work) and not self._is_disturbed(cause, began, ended + 2)

    def _submissions(self) -> Iterator[float]:
        return (job.states[0].milliseconds / 1000 for job in self._facts.jobs.values() if job.states)

    def reconnections(self) -> Iterator[float]:
        for strike in self._strikes:
            if strike.fault.target in MODEL_WORKERS and strike.fault.kind in (
                "half_open",
                "black_hole",
                "cut",
                "refuse",
            ):
                healed = strike.began if strike.fault.kind in ("half_open", "cut") else strike.ended
                yield from self._first_claim_of(strike, healed or strike.began)

    def _first_claim_of(self, strike: Strike, since: float) -> Iterator[float]:
        """Measured where the process lived on, unstruck, until it claimed again."""
        claims = (c for job in self._facts.jobs.values() for c in job.claims if c.pid == strike.pid)
        later = min((c.milliseconds / 1000 for c in claims if c.milliseconds / 1000 > since), default=None)
        if later is None:
            return
        if not self._is_disturbed(strike, since - self._lease, later):
            yield min(later - since, self._with_work(since, later))

    def _with_work(self, began: float, ended: float) -> float:
        """For how long of a time jobs waited: a worker that nobody needs claims nothing."""
        within = [sample for sample in self._samples if began <= sample.at <= ended]
        return (
            sum(after.at - look.at for look, after in pairwise(within) if look.waiting) + 2 * PERIOD_SECONDS
        )

    def recoveries(self) -> Iterator[float]:
        successes = sorted(at / 1000 for job in self._facts.jobs.values() for at in _success_times(job))
        for strike in self._strikes:
            if strike.fault.kind in FILLED and self._could_go_on(strike, strike.began, _over(strike)):
                yield self._next(successes, _over(strike))

    @staticmethod
    def _next(times: Sequence[float], after: float) -> float:
        return next((at for at in times if at >= after), float("inf")) - after


def _over(strike: Strike) -> float:
    return strike.began if strike.ended is None else strike.ended


def end_of(strike: Strike) -> float:
    """Return when the last consequence of a fault is over that does not show in the samples."""
    return _over(strike) + LASTING.get(strike.fault.kind, 0) + MARGIN_SECONDS


def _claim_times(job: JobFacts) -> list[int]:
    """When its attempts began, in milliseconds: by its events, or by the record where it has none."""
    return [event.milliseconds for event in _starts(job)] or [claim.milliseconds for claim in job.claims]


def _success_times(job: JobFacts) -> list[int]:
    """When it succeeded, in milliseconds, by the same."""
    reported = [event.milliseconds for event in job.states if event.data["status"] == "succeeded"]
    if reported or job.completed is None or job.status != "succeeded":
        return reported
    return [job.completed]


def _starts(job: JobFacts) -> list[Happening]:
    """The events of the claims: number n begins attempt n + 1."""
    return [event for event in job.states if event.data["status"] == "running"]


def _put_back(job: JobFacts, attempt: int) -> Happening | None:
    """Return the event that ended an attempt by putting the job back; None where it ended otherwise."""
    claims = 0
    for event in job.states:
        claims += event.data["status"] == "running"
        if claims == attempt and event.data["status"] == "queued":
            return event
    return None


def _had_to_pause(job: JobFacts, attempt: int) -> bool:
    """Whether the job was to wait before the next attempt: it had crashed before."""
    event = _put_back(job, attempt)
    due = event.data.get("not_before") if event else None
    return event is not None and due is not None and due > event.milliseconds + SLACK_MILLISECONDS


def _has_free_slot(sample: Sample, struck: int) -> bool:
    pids = {sample.processes.get(name, 0) for name in MODEL_WORKERS} - {0, struck}
    return sample.server_answers and any(pid in sample.held and sample.held[pid] < THREADS for pid in pids)


def _outages(samples: Sequence[Sample]) -> Iterator[tuple[float, float]]:
    """Yield when the server went away and when it answered again."""
    away: float | None = None
    for sample in samples:
        if sample.server_answers and away is not None:
            yield away, sample.at
            away = None
        elif not sample.server_answers and away is None:
            away = sample.at


def percentile(values: Iterable[float], percent: float) -> float | None:
    """Return the smallest value that this many percent do not exceed; None without values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(0, -(-int(len(ordered) * percent) // 100) - 1)]
