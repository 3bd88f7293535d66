"""The oracle finds nothing in a good run, and every fault that is planted."""

from dataclasses import replace

import pytest

from tests.chaos.clients.ledger import Entry, Held, Seen
from tests.chaos.conftest import DIGEST, START, Change, story
from tests.chaos.judging.facts import Claim, Facts
from tests.chaos.judging.oracle import judge

OTHER = "b" * 64


def found(facts: Facts) -> set[tuple[str, str]]:
    return {(finding.promise, finding.rule) for finding in judge(facts)}


def poison_of(facts: Facts) -> Entry:
    return next(entry for entry in facts.entries.values() if entry.order.request.is_poison)


def test_a_good_run_has_no_findings(facts: Facts) -> None:
    assert judge(facts) == []


@pytest.mark.parametrize("response", [404, 410])
def test_a_lost_record_is_found(changed: Change, response: int) -> None:
    assert ("P1", "lost") in found(changed(response=response, status="", keys=(), events=()))


def test_a_job_that_never_ends_is_found(changed: Change) -> None:
    assert found(changed(status="running", events=story("queued", "running"))) == {("P1", "stuck")}


def test_an_order_without_an_answer_is_found(facts: Facts, victim: Entry) -> None:
    victim.ids.clear()
    assert ("P1", "unanswered") in found(facts)


def test_a_doubled_terminal_event_is_found(changed: Change) -> None:
    doubled = changed(events=story("queued", "running", "succeeded", "succeeded"))
    assert found(doubled) == {("P2", "terminal events"), ("P2", "illegal move")}


def test_two_different_ends_are_found(changed: Change) -> None:
    assert ("P2", "event and record") in found(changed(events=story("queued", "running", "failed")))


def test_an_illegal_move_is_found(changed: Change) -> None:
    assert ("P2", "illegal move") in found(changed(events=story("queued", "succeeded"), attempt=0))


def test_a_changed_byte_is_found(changed: Change) -> None:
    assert found(changed(served=(OTHER,))) == {("P2", "served bytes")}


def test_other_bytes_than_in_a_calm_run_are_found(changed: Change) -> None:
    assert found(changed(served=(OTHER,), outputs=(OTHER,))) == {("P2", "mismatched")}


def test_an_attempt_without_its_event_is_found(changed: Change) -> None:
    assert ("P2", "attempts") in found(changed(attempt=2))


def test_a_crash_that_was_not_counted_is_found(changed: Change) -> None:
    crashed = story("queued", "running", "queued", "running", "succeeded")
    assert found(changed(events=crashed, attempt=2)) == {("P2", "counters")}
    assert found(changed(events=crashed, attempt=2, crashes=1)) == set()


def test_a_second_id_for_one_key_is_found(facts: Facts, victim: Entry) -> None:
    victim.ids.append("job-elsewhere")
    assert ("P7", "two ids") in found(facts)


def test_another_outcome_than_was_seen_is_found(facts: Facts, victim: Entry) -> None:
    victim.seen.append(Seen("succeeded", (DIGEST,), ""))
    assert found(facts) == set()
    victim.seen.append(Seen("succeeded", (OTHER,), ""))
    assert found(facts) == {("P2", "two results")}


def test_an_event_that_was_told_and_is_gone_is_found(facts: Facts, victim: Entry) -> None:
    victim.events.append(("1000000-0", "state", {"status": "queued"}))
    assert found(facts) == set()
    victim.events.append(("1000050-0", "state", {"status": "running"}))
    assert found(facts) == {("P2", "event gone")}


def test_a_failed_neighbor_is_found(changed: Change) -> None:
    failed = {"status": "failed", "outputs": (), "served": (), "crashes": 1}
    lost = changed(**failed, error="worker_lost", events=story("queued", "running", "failed"))
    assert ("P6", "failed") in found(lost)


def test_a_poison_job_that_succeeds_is_found(facts: Facts) -> None:
    entry = poison_of(facts)
    other = next(job for job in facts.jobs.values() if job.status == "succeeded")
    jobs = {**facts.jobs, entry.id: replace(other, id=entry.id, keys=())}
    assert ("P6", "poison") in found(replace(facts, jobs=jobs))


def test_a_job_canceled_unasked_is_found(changed: Change) -> None:
    canceled = {"status": "canceled", "outputs": (), "served": (), "attempt": 0}
    assert ("P2", "canceled unasked") in found(changed(**canceled, events=story("queued", "canceled")))


def test_a_result_of_a_canceled_job_is_found(changed: Change, victim: Entry) -> None:
    victim.order = replace(victim.order, cancel_after=1.0)
    victim.cancel_response = "canceled"
    canceled = changed(status="canceled", events=story("queued", "running", "canceled"))
    assert ("P2", "canceled result") in found(canceled)


def test_a_cancel_that_did_not_hold_is_found(facts: Facts, victim: Entry) -> None:
    victim.order = replace(victim.order, cancel_after=1.0)
    victim.cancel_response = "canceled"
    assert found(facts) == {("P2", "cancel undone")}


def test_a_deleted_job_that_is_still_there_is_found(facts: Facts, victim: Entry) -> None:
    victim.is_deleted = True
    assert found(facts) == {("P2", "deleted")}


def test_bytes_that_nobody_names_are_found(facts: Facts) -> None:
    stray = "outputs/job-x/1/0.png"
    assert found(replace(facts, stored=facts.stored | {stray})) == {("bytes", "orphan")}
    assert found(replace(facts, stored=facts.stored | {stray}, doomed=("outputs/job-x/",))) == set()


def test_bytes_that_are_not_stored_are_found(facts: Facts, victim: Entry) -> None:
    missing = facts.stored - set(facts.jobs[victim.id].keys)
    assert found(replace(facts, stored=missing)) == {("P1", "bytes lost")}


@pytest.mark.parametrize(
    "wrong", [{"done": False}, {"matched": 5}, {"succeeded": 4}, {"skipped": {"running": 2}}]
)
def test_an_action_that_counts_wrongly_or_never_ends_is_found(facts: Facts, wrong: dict[str, object]) -> None:
    action = {"done": True, "matched": 4, "succeeded": 3, "skipped": {"running": 1}, "failed": {}}
    assert judge(replace(facts, actions={0: action})) == []
    assert found(replace(facts, actions={0: {**action, **wrong}})) == {("P2", "action counts")}


@pytest.mark.parametrize(
    ("held", "is_found"),
    [
        (Held("pause", "", START, START + 500), True),
        (Held("pause", "", START + 500, START + 900), False),
        (Held("pause", "bulk", START, START + 500), False),  # jobs may move between lanes
        (Held("cordon", "box-1", START, START + 500), True),
        (Held("drain", "box-2", START, START + 500), False),
    ],
)
def test_a_start_while_it_is_held_is_found(changed: Change, held: Held, is_found: bool) -> None:
    facts = changed(claims=(Claim(START + 100, 7, "box-1"),))
    assert judge(facts) == []
    expected = {("P2", "started while held")} if is_found else set()
    assert found(replace(facts, held=(held,))) == expected
