"""Who meets whom, and that nothing runs on: stand-ins of known speeds, and a real process."""

import os
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from tests.support.processes import children_of
from worker.tuning import contest
from worker.tuning.choice import Measured
from worker.tuning.contest import Contest, Plan
from worker.tuning.contestant import Contestant, ContestantFailed, Disturbed, Load
from worker.tuning.tuned import Candidate

PLAIN = Candidate("plain", 2, 1, "bfc")
SPEEDS: dict[object, float] = {"onednn": 1.5, "malloc": 0.8, (1, 2): 1.2, (1, 1): 0.5, 8: 1.4}


def plan(**changes: object) -> Plan:
    how: dict[str, object] = {"base": PLAIN, "cores": 2, "pinned": frozenset(), "same_bytes": False}
    return Plan(**{**how, "memory_mebibytes": 2000, "p95": None, "seconds": 1, **changes})  # type: ignore[arg-type]


@dataclass
class StandIn:
    """A contestant whose speed follows from its settings."""

    candidate: Candidate
    disturbed: Callable[[], bool]
    running: list["StandIn"] = field(default_factory=list)
    dead: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        self.measured = Measured(self.candidate, memory_mebibytes=700)

    def start(self) -> None:
        self.running.append(self)
        if self.disturbed():
            raise Disturbed
        if self.candidate.kernels in self.dead:
            raise ContestantFailed("ended by signal 4")

    @property
    def is_alive(self) -> bool:
        return self.candidate.kernels not in self.dead

    def stop(self) -> None:
        if self in self.running:
            self.running.remove(self)

    def paint(self, side: int, seconds: float, load: Load) -> float:
        one = self.candidate
        ways = (one.kernels, one.allocator, (one.runners, one.intra_threads), one.photo_batch)
        speed = 10.0
        for way in ways:
            speed *= SPEEDS.get(way, 1.0)
        self.measured.rates[side].append(speed)
        self.measured.times.append(1000 * one.runners / speed)
        return speed


@pytest.fixture
def running(monkeypatch: pytest.MonkeyPatch) -> list[StandIn]:
    return stand_in(monkeypatch)


def stand_in(monkeypatch: pytest.MonkeyPatch, *dead: str) -> list[StandIn]:
    """Let stand-ins take part, of which those with some kernels die; return those that run."""
    running: list[StandIn] = []
    made = lambda candidate, disturbed: StandIn(candidate, disturbed, running, frozenset(dead))  # noqa: E731
    monkeypatch.setattr(contest, "Contestant", made)
    return running


def test_each_stage_goes_on_with_the_best_of_the_last(running: list[StandIn]) -> None:
    told: list[str] = []
    outcome = Contest(plan(), lambda what, _: told.append(what)).run()
    assert outcome.champion.candidate == Candidate("onednn", 1, 2, "bfc")
    assert [str(one.candidate) for one in outcome.rows] == [
        "plain, 2 x 1 threads, bfc",
        "onednn, 2 x 1 threads, bfc",
        "onednn, 1 x 1 threads, bfc",
        "onednn, 1 x 2 threads, bfc",
        "onednn, 1 x 2 threads, malloc",
    ]
    assert [one.verdict.partition(",")[0] for one in outcome.rows[1:]] == [
        "faster", "slower", "faster", "slower",
    ]  # fmt: skip
    assert set(told) == {str(one.candidate) for one in outcome.rows}
    assert (outcome.broken, running) == ("", [])


def test_photos_a_call_are_tried_last_and_named(running: list[StandIn]) -> None:
    outcome = Contest(plan(same_bytes=True, most_photos=16)).run()
    assert [str(one.candidate) for one in outcome.rows[-2:]] == [
        "plain, 2 x 1 threads, bfc, 16 photos a call",
        "plain, 2 x 1 threads, bfc, 8 photos a call",
    ]
    assert (outcome.champion.candidate.photo_batch, running) == (8, [])


def test_a_candidate_that_cannot_run_is_named_and_not_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    running = stand_in(monkeypatch, "onednn")
    outcome = Contest(plan()).run()
    assert outcome.champion.candidate.kernels == "plain"
    assert outcome.rows[1].verdict == "ended by signal 4"
    assert running == []


def test_where_the_base_cannot_run_nothing_is_chosen(monkeypatch: pytest.MonkeyPatch) -> None:
    running = stand_in(monkeypatch, "plain")
    with pytest.raises(ContestantFailed):
        Contest(plan()).run()
    assert running == []


def test_limits_that_nothing_keeps_are_told(running: list[StandIn]) -> None:
    assert Contest(plan(memory_mebibytes=500)).run().broken == "needs 700 MiB, more than 500"


def test_it_makes_way_at_once(running: list[StandIn]) -> None:
    with pytest.raises(Disturbed):
        Contest(plan(), disturbed=lambda: len(running) == 2).run()
    assert running == []


def test_a_process_makes_way_while_it_loads_and_leaves_nothing() -> None:
    before = children_of(os.getpid())
    real = Contestant(PLAIN, lambda: True)
    with pytest.raises(Disturbed):
        real.start()
    real.stop()
    assert children_of(os.getpid()) == before


def test_a_process_that_ends_says_why() -> None:
    real = Contestant(Candidate("neither", 1, 1, "bfc"), lambda: False)  # type: ignore[arg-type]
    with pytest.raises(ContestantFailed, match="ended with status 1: KeyError: 'neither'"):
        real.start()
    real.stop()


def test_where_no_rival_can_run_nothing_was_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    running = stand_in(monkeypatch, "onednn")
    with pytest.raises(ContestantFailed, match="no other settings could be tried: ended by signal 4"):
        Contest(plan(pinned=frozenset({"runners", "intra_threads", "allocator"}))).run()
    assert running == []
