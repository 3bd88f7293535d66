"""How soon work went on is measured from the records alone, and only where nothing else was broken."""

from dataclasses import replace

import pytest

from tests.chaos.clients.ledger import Entry
from tests.chaos.conftest import START
from tests.chaos.faults import Strike
from tests.chaos.judging.facts import Claim, Facts, Happening
from tests.chaos.judging.figures import Figures, measure, percentile
from tests.chaos.monitor import Sample
from tests.chaos.plan import Fault

WORKER, OTHER = 7, 8  # process ids
BEGAN = START / 1000 + 0.15  # between the first claim and what follows


def states(*moments: tuple[int, str]) -> tuple[Happening, ...]:
    """Return events at milliseconds after the start."""
    return tuple(Happening(f"{START + at}-0", "state", {"status": status}) for at, status in moments)


def samples(*, held_elsewhere: int = 0, away: tuple[float, float] | None = None) -> list[Sample]:
    """Return samples over ten seconds, with a second worker that runs this many attempts."""
    times = [START / 1000 + tenth / 10 for tenth in range(100)]
    processes = {"worker": WORKER, "worker-2": OTHER}
    gone = [away is not None and away[0] <= at < away[1] for at in times]
    held = {WORKER: 1, OTHER: held_elsewhere}
    return [Sample(at, not g, processes, {} if g else held, 1) for at, g in zip(times, gone, strict=True)]


def strike(kind: str, entry: Entry, *, target: str = "worker", seconds: float = 0) -> Strike:
    return Strike(Fault(0, kind, target, seconds), BEGAN, BEGAN + seconds, WORKER, {entry.id: 1})


@pytest.fixture
def taken_over(facts: Facts, victim: Entry) -> Facts:
    """A run in which the victim's first attempt was lost, and the second began 2.85 s after the strike."""
    story = states((0, "queued"), (100, "running"), (2900, "queued"), (3000, "running"), (3100, "succeeded"))
    claims = (Claim(START + 100, WORKER), Claim(START + 3000, OTHER))
    job = replace(facts.jobs[victim.id], attempt=2, crashes=1, events=story, claims=claims)
    return replace(facts, jobs={victim.id: job})


def figures(facts: Facts, strikes: list[Strike], looks: list[Sample]) -> Figures:
    return measure(facts, strikes, looks, settle_seconds=0)


def test_a_takeover_lasts_from_the_kill_to_the_next_claim(taken_over: Facts, victim: Entry) -> None:
    (takeover,) = figures(taken_over, [strike("kill", victim)], samples()).takeovers
    assert takeover.seconds == pytest.approx(2.85)
    assert takeover.is_fair


def test_a_stop_shorter_than_the_lease_is_no_takeover(taken_over: Facts, victim: Entry) -> None:
    assert figures(taken_over, [strike("stop", victim, seconds=1)], samples()).takeovers == ()
    assert len(figures(taken_over, [strike("stop", victim, seconds=4)], samples()).takeovers) == 1


def test_a_takeover_without_a_free_slot_elsewhere_is_not_fair(taken_over: Facts, victim: Entry) -> None:
    (takeover,) = figures(taken_over, [strike("kill", victim)], samples(held_elsewhere=4)).takeovers
    assert not takeover.is_fair


def test_a_takeover_with_another_fault_is_not_fair(taken_over: Facts, victim: Entry) -> None:
    both = [strike("kill", victim), strike("kill", victim, target="redis")]
    takeover, *_ = figures(taken_over, both, samples()).takeovers
    assert not takeover.is_fair


def test_a_release_is_measured_from_its_own_event(taken_over: Facts, victim: Entry) -> None:
    (release,) = figures(taken_over, [strike("term", victim)], samples()).releases
    assert release.seconds == pytest.approx(0.1)
    assert release.is_fair


def test_a_resumption_lasts_from_the_servers_answer_to_the_next_claim(taken_over: Facts) -> None:
    looks = samples(away=(START / 1000 + 1, START / 1000 + 2))
    assert list(figures(taken_over, [], looks).resumptions) == pytest.approx([1.0])


def test_an_outage_is_laid_to_the_last_strike_on_the_server(taken_over: Facts, victim: Entry) -> None:
    last = strike("kill", victim, target="redis")
    earlier = replace(last, began=last.began - 60, ended=last.began - 60)
    looks = samples(away=(START / 1000 + 0.2, START / 1000 + 2))
    assert list(figures(taken_over, [earlier, last], looks).resumptions) == pytest.approx([1.0])
    between = strike("kill", victim)
    assert figures(taken_over, [earlier, last, between], looks).resumptions == ()


def test_a_reconnection_is_the_same_process_claiming_again(taken_over: Facts, victim: Entry) -> None:
    again = replace(taken_over.jobs[victim.id], claims=(Claim(START + 4150, WORKER),))
    facts = replace(taken_over, jobs={victim.id: again})
    assert list(figures(facts, [strike("half_open", victim)], samples()).reconnections) == pytest.approx(
        [4.0]
    )


def test_a_reconnection_does_not_last_while_no_job_waits(taken_over: Facts, victim: Entry) -> None:
    story = (Claim(START + 100, WORKER), Claim(START + 9000, WORKER))
    facts = replace(taken_over, jobs={victim.id: replace(taken_over.jobs[victim.id], claims=story)})
    idle = [replace(look, waiting=int(look.at > START / 1000 + 8)) for look in samples()]
    (lasted,) = figures(facts, [strike("half_open", victim)], idle).reconnections
    assert lasted == pytest.approx(1.2, abs=0.2)


def test_a_success_after_the_disk_has_room_is_measured(taken_over: Facts, victim: Entry) -> None:
    full = strike("disk_full", victim, target="", seconds=1)
    assert list(figures(taken_over, [full], samples()).recoveries) == pytest.approx([1.95])


@pytest.mark.parametrize(("percent", "value"), [(50, 50), (99, 99), (100, 100), (0, 1)])
def test_a_percentile_is_one_of_the_values(percent: float, value: float) -> None:
    assert percentile([float(n) for n in range(100, 0, -1)], percent) == value


def test_nothing_has_no_percentile() -> None:
    assert percentile([], 99) is None
