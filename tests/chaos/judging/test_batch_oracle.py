"""The oracle finds nothing in a good batch, and every fault that is planted in one."""

from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.clients.ledger import BatchEntry, Entry, Seen
from tests.chaos.conftest import DIGEST, job_of
from tests.chaos.judging.facts import BatchFacts, Facts
from tests.chaos.judging.oracle import judge

BATCH = "batch_1"


def found(facts: Facts) -> set[tuple[str, str]]:
    return {(finding.promise, finding.rule) for finding in judge(facts)}


@pytest.fixture
def batched(facts: Facts) -> Facts:
    """The run with one batch, in which everything went well; every item has left its result."""
    order = facts.plan.batches[1]
    items = [replace(item, cancel_after=None) for item in order.orders if not item.request.is_poison]
    order = replace(order, orders=tuple(items), copies=1)
    entries = {item.number: Entry(item, str(item.number), ids=[f"job_1-{item.number}"]) for item in items}
    for entry in entries.values():
        entry.seen.append(Seen("succeeded", (DIGEST,), ""))
    jobs = {entry.id: replace(job_of(entry), events=()) for entry in entries.values()}
    counts = {"total": len(items), "succeeded": len(items), "failed": 0}
    return replace(
        facts,
        entries={**facts.entries, **entries},
        jobs={**facts.jobs, **jobs},
        stored=facts.stored | {key for job in jobs.values() for key in job.keys},
        batch_entries={order.number: BatchEntry(order, "batch", ids=[BATCH])},
        batches={BATCH: BatchFacts(BATCH, 200, "completed", counts, tuple(jobs))},
    )


def with_batch(facts: Facts, **fields: Any) -> Facts:
    return replace(facts, batches={BATCH: replace(facts.batches[BATCH], **fields)})


def with_item(facts: Facts, **fields: Any) -> Facts:
    job = next(job for job in facts.jobs.values() if job.id.startswith("job_1-"))
    return replace(facts, jobs={**facts.jobs, job.id: replace(job, **fields)})


def test_a_good_batch_has_no_findings(batched: Facts) -> None:
    assert judge(batched) == []


def test_a_batch_without_an_answer_is_found(batched: Facts) -> None:
    batched.batch_entries[1].ids.clear()
    assert ("P1", "batch unanswered") in found(batched)


def test_a_second_batch_for_one_key_is_found(batched: Facts) -> None:
    batched.batch_entries[1].ids.append("batch_2")
    assert ("P7", "two ids") in found(batched)


@pytest.mark.parametrize("response", [404, 410])
def test_a_lost_batch_is_found(batched: Facts, response: int) -> None:
    assert found(with_batch(batched, response=response)) == {("P1", "batch lost")}


@pytest.mark.parametrize("status", ["running", "paused"])
def test_a_batch_that_never_ends_is_found(batched: Facts, status: str) -> None:
    assert found(with_batch(batched, status=status)) == {("P1", "batch stuck")}


def test_a_count_that_the_items_do_not_bear_out_is_found(batched: Facts) -> None:
    counts = {**batched.batches[BATCH].counts, "failed": 1}
    assert found(with_batch(batched, counts=counts)) == {("P2", "batch counts")}


def test_a_result_that_is_told_twice_or_not_at_all_is_found(batched: Facts) -> None:
    first, *others = batched.batches[BATCH].finished
    assert found(with_batch(batched, finished=(first, first, *others))) == {("P2", "batch results")}
    assert found(with_batch(batched, finished=tuple(others))) == {("P2", "batch results")}


def test_an_item_whose_end_was_told_twice_is_found(batched: Facts) -> None:
    item = next(entry for entry in batched.entries.values() if entry.order.batch is not None)
    item.seen.append(item.seen[0])
    assert found(batched) == {("P2", "told twice")}


def test_an_items_attempt_that_nothing_ended_is_found(batched: Facts) -> None:
    assert found(with_item(batched, attempt=2)) == {("P2", "counters")}
    assert found(with_item(batched, attempt=2, crashes=1)) == set()


def test_an_item_with_other_bytes_than_in_a_calm_run_is_found(batched: Facts) -> None:
    other = ("b" * 64,)
    assert ("P2", "mismatched") in found(with_item(batched, outputs=other, served=other))


@pytest.mark.parametrize(("succeeded", "is_found"), [(3, False), (4, True)])
def test_more_than_the_sample_is_found(batched: Facts, succeeded: int, is_found: bool) -> None:
    entry = batched.batch_entries[1]
    entry.order = replace(entry.order, sample=5)
    entry.sampled = {"queued": 9, "running": 1, "succeeded": succeeded, "failed": 1, "canceled": 2}
    assert found(batched) == ({("P2", "more than the sample")} if is_found else set())
