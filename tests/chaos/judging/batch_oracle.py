"""Judges what is special to batches: every item ends once, and the batch says of them what they say."""

from collections import Counter
from collections.abc import Iterator

from shared.jobs.status import Status
from tests.chaos.clients.ledger import BatchEntry, Entry
from tests.chaos.judging.facts import BatchFacts, Facts, JobFacts

Found = Iterator[tuple[str, str, str]]  # promise, rule, text


def judge_batch(entry: BatchEntry, facts: Facts) -> Found:
    """Yield what breaks a promise about a batch as a whole."""
    if not entry.ids:
        yield "P1", "batch unanswered", "no answer to the end"
        return
    if len(set(entry.ids)) > 1:
        yield "P7", "two ids", f"one key, {len(set(entry.ids))} batches: {sorted(set(entry.ids))}"
    batch = facts.batches[entry.id]
    if batch.response != 200:
        yield "P1", "batch lost", f"accepted as {entry.id}; GET answers {batch.response}"
        return
    all_canceled = (
        batch.counts.get("canceled") == batch.counts["total"] > 0
    )  # one by one: chaos cancels no batch
    if batch.status not in (("canceled",) if all_canceled else ("completed", "failed")):
        yield "P1", "batch stuck", f"still {batch.status}: {dict(batch.counts)}"
        return
    yield from _told_rightly(batch, entry, facts)
    yield from _sample_only(entry)


def _sample_only(entry: BatchEntry) -> Found:
    """No item after the sample started before the client went on."""
    counts, sample = entry.sampled, entry.order.sample
    if counts is None or sample is None:
        return
    started = sum(counts[status] for status in ("running", "succeeded", "failed"))
    if started > sample:
        yield "P2", "more than the sample", f"a sample of {sample}, and started were {dict(counts)}"


def _told_rightly(batch: BatchFacts, entry: BatchEntry, facts: Facts) -> Found:
    ids = [facts.entries[item.number].id for item in entry.order.orders]
    ends = Counter(facts.jobs[job_id].status for job_id in ids if job_id)
    reported = {status: count for status, count in batch.counts.items() if count and status != "total"}
    if reported != ends or batch.counts["total"] != len(ids):
        yield "P2", "batch counts", f"it counts {dict(batch.counts)}; its items are {dict(ends)}"
    if Counter(batch.finished) != Counter(ids):
        twice = len(batch.finished) - len(set(batch.finished))
        missing = len(set(ids) - set(batch.finished))
        yield "P2", "batch results", f"{twice} results are told twice, {missing} not at all"


def judge_item(entry: Entry, job: JobFacts, _: Facts) -> Found:
    """Yield what breaks a promise that is special to items."""
    if len(entry.seen) > 1:
        yield "P2", "told twice", f"its end was told {len(entry.seen)} times"
    most = job.spent + 1 - job.was_ended_by_counting
    least = most - (job.status == Status.CANCELED)  # it may have been waiting
    if not least <= job.attempt <= most:
        yield "P2", "counters", f"attempt {job.attempt}; {job.counts}; {job.status} {job.error}"
