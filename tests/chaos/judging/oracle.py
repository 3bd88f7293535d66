"""Judges a run: the client's book against records, events and bytes. Every finding names a broken promise."""

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from shared.jobs.status import TRANSITIONS, Status
from tests.chaos.clients.ledger import Entry, Seen
from tests.chaos.judging.batch_oracle import Found, judge_batch, judge_item
from tests.chaos.judging.facts import WORKER_LOST, Facts, JobFacts

STORAGE_CODES = ("attempts_exhausted", "out_of_disk", "storage_unavailable")
PARENT_FAILED = "parent_failed"
BYTES = "bytes"  # in the place of a promise's number: nothing is left in storage that nobody names


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that must not be."""

    promise: str  # P1..P10, or BYTES
    rule: str  # which of the oracle's rules is broken, in a word or two
    job: str  # its name in the ledger, or a key in storage
    text: str


def judge(facts: Facts) -> list[Finding]:
    """Return everything that breaks a promise."""
    found: list[Finding] = []
    for entry in facts.entries.values():
        for promise, rule, text in _judge_entry(entry, facts):
            found.append(Finding(promise, rule, entry.name, text))
    for batch in facts.batch_entries.values():
        found += [
            Finding(promise, rule, batch.name, text) for promise, rule, text in judge_batch(batch, facts)
        ]
    return [*found, *_orphans(facts), *_actions(facts), *_held(facts)]


def _held(facts: Facts) -> Iterator[Finding]:
    """Nothing starts while all is paused, and nothing at a worker that is cordoned."""
    for held in facts.held:
        if held.kind == "pause" and held.target:
            continue  # of one lane: a record does not say in which lane it was when it started
        for job in facts.jobs.values():
            for claim in job.claims:
                is_meant = held.kind == "pause" or claim.worker == held.target
                if is_meant and held.since < claim.milliseconds < held.until:
                    text = f"{job.id} was started at {claim.milliseconds}, while {held}"
                    yield Finding("P2", "started while held", job.id, text)


def _actions(facts: Facts) -> Iterator[Finding]:
    """Every action comes to its end, and each job that it found counts once."""
    for number, action in facts.actions.items():
        counted = action["succeeded"] + sum(action["skipped"].values()) + sum(action["failed"].values())
        if not action["done"] or counted != action["matched"]:
            yield Finding("P2", "action counts", f"action {number}", str(action))


def _judge_entry(entry: Entry, facts: Facts) -> Found:
    if not entry.ids:
        if PARENT_FAILED in entry.refused and _is_orphan(entry, facts):
            return
        yield "P1", "refused" if entry.refused else "unanswered", entry.refused or "no answer to the end"
        return
    yield from _one_id(entry)
    job = facts.jobs[entry.id]
    if entry.is_deleted:
        if job.response != 410:
            yield "P2", "deleted", f"a deleted job answers {job.response}"
        return
    if job.response != 200 or not job.status:
        yield "P1", "lost", f"accepted as {entry.id}; GET answers {job.response}"
        return
    if not Status(job.status).is_terminal:
        yield "P1", "stuck", f"still {job.status} after attempt {job.attempt}, crashes {job.crashes}"
        return
    for rule in (*RULES, *(RULES_OF_JOBS if entry.order.batch is None else RULES_OF_ITEMS)):
        yield from rule(entry, job, facts)


def _one_id(entry: Entry) -> Found:
    if len(set(entry.ids)) > 1:
        yield "P7", "two ids", f"one name, {len(set(entry.ids))} ids: {sorted(set(entry.ids))}"
    if entry.order.by_id and entry.id != entry.name:
        yield "P7", "other id", f"asked for {entry.name}, got {entry.id}"


def _is_orphan(entry: Entry, facts: Facts) -> bool:
    """Whether the job whose picture an order paints made none."""
    parent = facts.jobs.get(entry.parent_id)
    return parent is not None and parent.status == "canceled"


def _outcome(entry: Entry, job: JobFacts, facts: Facts) -> Found:
    text = f"{job.status} {job.error} (attempt {job.attempt}, crashes {job.crashes}, failures {job.failures})"
    if job.status == "canceled":
        if entry.order.cancel_after is None:
            yield "P2", "canceled unasked", text
        return
    if entry.order.request.is_poison:
        if (job.status, job.error) != ("failed", WORKER_LOST):
            yield "P6", "poison", text
        return
    if _is_orphan(entry, facts):
        if (job.status, job.error) != ("failed", PARENT_FAILED):
            yield "P2", "orphan", text
        return
    if job.status != "succeeded":
        yield _promise_of_failure(job.error), "failed", text


def _promise_of_failure(code: str) -> str:
    if code == WORKER_LOST:
        return "P6"
    return "P9" if code in STORAGE_CODES else "P1"


def _cancel(entry: Entry, job: JobFacts, _: Facts) -> Found:
    if entry.cancel_response == "canceled" and job.status != "canceled":
        yield "P2", "cancel undone", f"canceled, and is {job.status}"
    if entry.cancel_response == "409" and job.status == "canceled":
        yield "P2", "cancel denied", "the cancel was refused, and the job is canceled"
    if job.status == "canceled" and (job.outputs or job.served):
        yield "P2", "canceled result", f"canceled, and has {len(job.outputs)} outputs"


def _story(_: Entry, job: JobFacts, __: Facts) -> Found:
    states = [Status(event.data["status"]) for event in job.states]
    if not states or states[0] is not Status.QUEUED:
        yield "P2", "beginning", f"the first event is {states[:1]}"
    for before, after in itertools.pairwise(states):
        if after not in TRANSITIONS.get(before, ()):
            yield "P2", "illegal move", f"{before} to {after}: {[str(state) for state in states]}"
    ends = [state for state in states if state.is_terminal]
    if len(ends) != 1:
        yield "P2", "terminal events", f"{len(ends)} of them: {[str(state) for state in states]}"
    elif ends[0] != job.status:
        yield "P2", "event and record", f"the event says {ends[0]}, the record {job.status}"


def _counters(_: Entry, job: JobFacts, __: Facts) -> Found:
    numbers = [e.data.get("attempt") for e in job.states if e.data["status"] == "running"]
    if numbers != list(range(1, job.attempt + 1)):
        yield "P2", "attempts", f"attempt {job.attempt}, and claims {numbers}"
    put_back = sum(e.data["status"] == "queued" for e in job.states[1:])
    if put_back != job.spent - job.was_ended_by_counting:
        yield "P2", "counters", f"put back {put_back} times; {job.counts}; {job.status} {job.error}"


def _bytes(entry: Entry, job: JobFacts, facts: Facts) -> Found:
    if job.status != "succeeded":
        if job.outputs:
            yield "P2", "result", f"{job.status}, and has outputs"
        return
    if job.served != job.outputs:
        yield "P2", "served bytes", f"the record names {job.outputs}, the API gives {job.served}"
    if job.outputs != facts.calm.get(entry.order.request.name):
        yield "P2", "mismatched", f"other bytes than in a calm run of {entry.order.request.name}"


def _sights(entry: Entry, job: JobFacts, _: Facts) -> Found:
    final = Seen(job.status, job.outputs, job.error)
    for seen in entry.seen:
        if seen != final:
            yield "P2", "two results", f"once read as {seen}, now {final}"


def _following(entry: Entry, job: JobFacts, _: Facts) -> Found:
    reported = [event for event in entry.events if event[1] not in ("done", "gone")]
    kept = {event.id: event for event in job.events}
    ids = [event_id for event_id, _, _ in reported]
    if len(set(ids)) < len(ids):
        yield "P2", "event twice", f"the stream told {len(ids) - len(set(ids))} events twice"
    for event_id, kind, data in reported:
        if event_id not in kept or (kept[event_id].kind, _status(kept[event_id].data)) != (
            kind,
            _status(data),
        ):
            yield "P2", "event gone", f"the stream told {event_id} {kind} {dict(data)}; it is not kept so"
    for kind, data in [event[1:] for event in entry.events]:
        if kind == "done" and data["status"] != job.status:
            yield "P2", "two results", f"the stream ended with {data['status']}, the record says {job.status}"


def _status(data: object) -> object:
    return data.get("status") if isinstance(data, dict) else None


def _orphans(facts: Facts) -> Iterator[Finding]:
    named = {key for job in facts.jobs.values() for key in job.keys}
    for key in sorted(facts.stored - named):
        if not any(
            key == doomed or (doomed.endswith("/") and key.startswith(doomed)) for doomed in facts.doomed
        ):
            yield Finding(BYTES, "orphan", key, "stored, and neither a record nor the garbage list names it")
    for key in sorted(named - facts.stored):
        yield Finding("P1", "bytes lost", key, "a record names it, and it is not stored")


Rule = Callable[[Entry, JobFacts, Facts], Found]
RULES: Sequence[Rule] = (_outcome, _cancel, _bytes, _sights, _following)
RULES_OF_JOBS: Sequence[Rule] = (_story, _counters)
RULES_OF_ITEMS: Sequence[Rule] = (judge_item,)  # they have no events of their own
