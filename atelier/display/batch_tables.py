"""Batches as people read them in a terminal: a table of many, a page of one."""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime

from rich.text import Text

from atelier.client.batch import Batch, BatchPause, Estimate
from atelier.client.job import Job
from atelier.client.places.places import Reading
from atelier.display.job_tables import reason_of
from atelier.display.progress_bar import say_hold
from atelier.display.table import FactSheet, Table
from atelier.display.time_format import say_moment, say_seconds

PAUSED_BY = {
    "sample": "its sample, which is made: look at it, then `resume` or `cancel`",
    "stop_when": "its stop_when: too much went wrong; `resume` or `retry-failed` goes on",
}
MEBIBYTE = 1024 * 1024
COLORS = {
    "completed": "green",
    "failed": "red",
    "canceled": "yellow",
    "paused": "yellow",
    "running": "cyan",
    "open": "cyan",
}


def batch_table(batches: Iterable[Batch]) -> Table:
    """Return a row for each batch: when it was accepted, how far it is, how long it will take."""
    table = Table("batch", "status", "accepted", "done", "failed", "canceled", "left", "name")
    for batch in batches:
        done, failed = f"{batch.ended}/{batch.counts['total']}", str(batch.counts["failed"] or "")
        accepted = say_moment(_time(batch, "created_at"))
        canceled = str(batch.counts["canceled"] or "")
        table.add(batch.id, say_status(batch), accepted, done, failed, canceled, say_left(batch), batch.name)
    return table


def say_status(batch: Batch) -> Text:
    """Return a batch's status in its color: one that completed without some of its items is no success."""
    is_whole = batch.status != "completed" or batch.counts["succeeded"] == batch.counts["total"]
    return Text(batch.status, COLORS.get(batch.status, "") if is_whole else "yellow")


def say_left(batch: Batch) -> str:
    """Return the time until a batch is done, or in a word why that does not begin."""
    held = batch.queue.reason if batch.queue and say_hold(batch.queue) else ""
    if held and held != batch.status:
        return held.replace("_", " ")
    return "" if batch.eta_seconds is None else say_seconds(batch.eta_seconds)


def batch_page(batch: Batch, failed: Iterable[Job]) -> FactSheet:
    """Return the state of a batch, and why items of it failed."""
    page = FactSheet()
    for name, text in _facts(batch):
        page.add(name, text)
    if batch.pinned_at:
        page.add("pinned", f"since {say_moment(batch.pinned_at)}")
    if batch.stopped_by:
        page.add("paused by", PAUSED_BY[batch.stopped_by])
    if batch.stopped_by == "sample":
        page.add("look at it", batch.raw["urls"]["contact_sheet"])
    for failure in batch.failures:
        page.add("failures", f"{failure.count} x {failure.code}: {failure.hint}")
    for job in failed:
        page.add("failed", f"{job.id} {job.raw.get('custom_id') or ''}: {reason_of(job)}")
    return page


def estimate_page(estimate: Estimate, facts: Mapping[str, str]) -> FactSheet:
    """Return what a job or batch that was not sent yet would make and take, after further facts."""
    page = FactSheet()
    for name, text in facts.items():
        page.add(name, text)
    at_fault = f", {estimate.refused_items:,} at fault" if estimate.refused_items else ""
    page.add("items", f"{estimate.items:,}{at_fault}")
    page.add("pictures", f"{estimate.pictures:,}, {estimate.pixels / 1e6:,.1f} megapixels")
    page.add("storage", f"about {estimate.bytes / MEBIBYTE:,.1f} MiB")
    page.add("work of a slot", _say_time(estimate.work_seconds))
    page.add("done in", _say_time(estimate.eta_seconds))
    if estimate.repeats:
        page.add("was sent as", estimate.repeats)
    page.add("accepted", "yes" if estimate.accepted else "no")
    return page


def _say_time(seconds: float | None) -> str:
    return "not known yet" if seconds is None else f"about {say_seconds(seconds)}"


_TIMES = {
    "accepted": "created_at",
    "not before": "not_before",
    "done": "completed_at",
    "kept until": "expires_at",
}


def _facts(batch: Batch) -> Iterator[tuple[str, str | Text]]:
    yield "batch", batch.id
    if batch.name:
        yield "name", batch.name
    yield "status", say_status(batch)
    yield from _pauses(batch)
    yield "items", ", ".join(f"{count} {name}" for name, count in batch.counts.items() if count) or "none"
    yield from _places(batch)
    yield from _pace(batch)
    if batch.raw.get("lane") and not batch.done:
        yield "lane", str(batch.raw["lane"])
    for title, name in _TIMES.items():
        moment = _time(batch, name)
        if moment is not None:
            yield title, say_moment(moment)
    for key, text in batch.metadata.items():
        yield "metadata", f"{key}={text}"


def _places(batch: Batch) -> Iterator[tuple[str, str]]:
    for name, end in (("source", batch.source), ("destination", batch.destination)):
        if end is None:
            continue
        if isinstance(end, Reading):
            counts = "" if end.found is None else f", {end.found} found"
        else:
            counts = f", {end.delivered} there, {end.failed} not"
        again = "" if end.error is None or end.error.final else "; it is tried again"
        why = f"; {end.error.detail}{again}" if end.error else ""
        yield name, f"{end.place}: {end.status.replace('_', ' ')}{counts}{why}"


def _pace(batch: Batch) -> Iterator[tuple[str, str]]:
    if batch.rate_per_second and not batch.done:
        yield "rate", f"{batch.rate_per_second:.2f}/s"
    if batch.mean_seconds:
        yield "each took", say_seconds(batch.mean_seconds)
    if batch.queue and say_hold(batch.queue) and not batch.pause:  # "paused" says it
        yield "now", say_hold(batch.queue)
    if batch.eta_seconds is not None:
        yield "left", say_seconds(batch.eta_seconds)


def _pauses(batch: Batch) -> Iterator[tuple[str, str]]:
    if batch.pause:
        yield "paused", _say_pause(batch.pause)


def _say_pause(pause: BatchPause) -> str:
    by, until = (f"by {pause.by}" if pause.by else ""), say_moment(pause.until)
    facts = ", ".join(part for part in (by, f"until {until}" if until else "") if part)
    return ": ".join(part for part in (facts, pause.reason) if part) or "without a reason"


def _time(batch: Batch, name: str) -> datetime | None:
    text = batch.raw.get(name)
    return datetime.fromisoformat(text) if text else None
