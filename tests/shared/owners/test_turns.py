"""Turns of owners by their weights, as the claims of real scripts give them."""

from collections import Counter
from collections.abc import Iterable
from itertools import combinations

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shared.batches.store import BatchStore
from shared.jobs.store import JobStore
from shared.owners.quota import QuotaStore
from shared.setting_groups import QuotaRules
from tests.support.jobs.batch_steps import begin, finish
from tests.support.jobs.job_steps import submit

NAMES = "abcde"
EARLY = 1 / 8  # of a turn, by which an owner that comes may have its first one early


def weigh(store: JobStore, owner: str, weight: int) -> None:
    QuotaStore(store.scripts, QuotaRules()).set(owner, {"weight": weight})


def owners_of(store: JobStore, claims: int) -> list[str]:
    """Claim one job after the other; return whose they were."""
    jobs = [job for _ in range(claims) for job in store.claim_next("w")]
    for job in jobs:
        finish(store, job)
    return [job.owner for job in jobs]


def is_fair(owners: list[str], weights: dict[str, int], *, spare: float = EARLY) -> bool:
    """Whether turns by weight differ by no more than one turn of each, for any two owners."""
    turns = Counter(owners)
    return all(
        abs(turns[a] / weights[a] - turns[b] / weights[b])
        <= 1 / weights[a] + 1 / weights[b] + spare / min(weights[a], weights[b])
        for a, b in combinations(weights, 2)
    )


def windows(owners: list[str]) -> Iterable[list[str]]:
    return (owners[i:j] for i in range(len(owners)) for j in range(i + 1, len(owners) + 1))


@pytest.mark.slow
@settings(max_examples=25, suppress_health_check=list(HealthCheck))
@given(
    weights=st.lists(st.integers(1, 9) | st.sampled_from([33, 100]), min_size=2, max_size=5),
    first=st.integers(0, 15),
    changed=st.integers(1, 9),
)
def test_turns_are_as_the_weights_in_any_window_in_which_all_wait(
    store: JobStore, batches: BatchStore, weights: list[int], first: int, changed: int
) -> None:
    store.client.flushall()
    by_name = dict(zip(NAMES, weights, strict=False))
    for owner, weight in by_name.items():
        weigh(store, owner, weight)
    early, *late = by_name
    begin(batches, 150, early)
    owners_of(store, first)
    for owner in late:  # they come to a lane in which the first one had turns alone
        begin(batches, 300, owner)
    owners = owners_of(store, 60)
    assert all(is_fair(window, by_name) for window in windows(owners))
    weigh(store, early, changed)
    while early not in owners_of(store, 1):
        pass  # it has its next turn when its former weight says
    owners = owners_of(store, 60)
    assert all(is_fair(window, {**by_name, early: changed}) for window in windows(owners))


def test_an_owner_of_weight_3_has_three_turns_where_one_of_weight_1_has_one(
    store: JobStore, batches: BatchStore
) -> None:
    weigh(store, "b", 3)
    for owner in "ab":
        begin(batches, 40, owner)
    assert Counter(owners_of(store, 40)) == {"a": 10, "b": 30}


def test_with_equal_weights_each_owner_has_one_turn_in_each_round(
    store: JobStore, batches: BatchStore
) -> None:
    for owner in NAMES:
        begin(batches, 10, owner)
    owners = owners_of(store, 30)
    assert all(sorted(owners[i : i + 5]) == list(NAMES) for i in range(0, 30, 5))


@pytest.mark.parametrize("weight", [1, 4])
def test_an_owner_that_was_away_goes_first_and_saved_up_no_turns(
    store: JobStore, batches: BatchStore, weight: int
) -> None:
    weigh(store, "e", weight)
    submit(store, owner="e")
    for owner in "abcd":
        begin(batches, 60, owner)
    owners_of(store, 101)
    begin(batches, 60, "e")
    owners = owners_of(store, 40)
    assert owners[0] == "e"
    assert is_fair(owners, {**dict.fromkeys("abcd", 1), "e": weight})


def test_one_job_at_a_time_brings_no_more_turns_than_many_at_once(
    store: JobStore, batches: BatchStore
) -> None:
    for owner in "ab":
        begin(batches, 60, owner)
    owners = []
    for _ in range(60):
        if not store.client.exists("atelier:line:bulk:c"):
            begin(batches, 1, "c")
        owners += owners_of(store, 1)
    assert is_fair(owners, dict.fromkeys("abc", 1))


def test_turns_that_a_quota_kept_an_owner_from_are_not_made_up_for(
    store: JobStore, batches: BatchStore
) -> None:
    quotas = QuotaStore(store.scripts, QuotaRules())
    quotas.set("a", {"running": 1})
    for owner in "ab":
        begin(batches, 80, owner)
    jobs = [job for _ in range(30) for job in store.claim_next("w")]
    assert Counter(job.owner for job in jobs) == {"a": 1, "b": 29}
    quotas.set("a", {"running": None})
    owners = owners_of(store, 20)
    assert is_fair(owners, dict.fromkeys("ab", 1))


def test_turns_that_an_older_worker_counted_are_put_right(store: JobStore, batches: BatchStore) -> None:
    """It notes the number of all turns so far, in all lanes."""
    for owner in "ab":
        begin(batches, 60, owner)
    owners_of(store, 4)
    store.client.zadd("atelier:turns:bulk", {"a": 5000})
    store.client.hset("atelier:served:bulk", mapping={"a": 5000, "c": 5001})
    store.reap()
    begin(batches, 60, "c")
    assert is_fair(owners_of(store, 30), dict.fromkeys("abc", 1), spare=1)
