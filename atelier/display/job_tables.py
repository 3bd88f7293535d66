"""Jobs as people read them in a terminal: a table of many, a page of one, the history of one."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from rich.text import Text

from atelier.client.job import Attempt, Job
from atelier.client.stats import Failure
from atelier.display.progress_bar import say_state
from atelier.display.table import FactSheet, Table
from atelier.display.time_format import say_exactly, say_moment, say_seconds

WARNINGS = {
    "truncated": "the file of a picture that was sent ends too early; what is missing of it is empty",
    "smaller_form": "there was little memory: it was made in a smaller form, and its last bits may differ",
    "not_upsampled": "the painting had the result's size already; --upsample had nothing to do",
    "recipe_too_large": "how it was made is too much to write into the picture; --sidecar writes it beside",
}
COLORS = {"succeeded": "green", "failed": "red", "canceled": "yellow", "expired": "yellow", "running": "cyan"}
_ENDS = {
    "succeeded": "succeeded",
    "failed": "failed for good",
    "transient": "met an error that may pass",
    "released": "given back, its worker stopped; not counted",
    "lost": "lost, its worker died or froze",
    "canceled": "stopped, the job was canceled",
    "expired": "stopped, the deadline passed",
    "requeued": "taken from its worker by a person; not counted",
}


def job_table(jobs: Iterable[Job]) -> Table:
    """Return a row for each job: when it was accepted, how long it ran, why it failed or what it does now."""
    table = Table("job", "type", "model", "status", "accepted", "ran", "details")
    for job in jobs:
        model = str((job.raw.get("model") or {}).get("name") or "")
        ran = _ran(job)
        table.add(job.id, job.type, model, _status(job), say_moment(job.created_at), ran, reason_of(job))
    return table


def failure_table(failures: Iterable[Failure]) -> Table:
    """Return a row for each code: how often, an example, whether a retry may help, and what to do."""
    table = Table("code", "count", "retry", "example", "what to do")
    for failure in failures:
        helps = "may help" if failure.retryable else "of no use"
        table.add(failure.code, str(failure.count), helps, failure.example, failure.hint)
    return table


def reason_of(job: Job) -> str:
    """Return why a job failed, or why its last attempt did; its state if it is not done."""
    if job.error:
        fields = "; ".join(f"{fault.field}: {fault.detail}" for fault in job.error.errors if fault.field)
        return f"{job.error.code}: {fields or job.error.detail}"
    return "" if job.done else say_state(job)


def say_warnings(codes: Iterable[str]) -> list[str]:
    """Return a sentence for each warning of a job; a code that is not known here is returned as it is."""
    return [WARNINGS.get(code, code) for code in codes]


def _status(job: Job) -> Text:
    return Text(job.status, COLORS.get(job.status, ""))


def _ran(job: Job) -> str:
    """Return how long a job's last attempt was; an item that succeeded at once names no attempt."""
    last = job.attempts[-1] if job.attempts else None
    began, ended = (last.started_at, last.ended_at) if last else (job.started_at, job.completed_at)
    return say_seconds((ended - began).total_seconds()) if job.done and began and ended else ""


def job_page(job: Job) -> FactSheet:
    """Return all that the service knows of a job."""
    page = FactSheet()
    for name, text in _facts(job):
        page.add(name, text)
    for entry in history_of(job):
        page.add("history", f"{say_exactly(entry.at)} {entry.text}")
    return page


def _facts(job: Job) -> Iterator[tuple[str, str | Text]]:
    yield "job", job.id
    yield "status", _status(job)
    yield from _remarks(job)
    model = job.raw.get("model") or {}
    yield "asked for", f"{job.type} with {' '.join(str(p) for p in _model(model))}"
    if job.numerics:
        yield "made", f"{job.precision}, by {job.numerics}"
    if job.queue and job.raw["queue"].get("lane"):
        yield "lane", str(job.raw["queue"]["lane"])
    yield from _times(job)
    for name, title in (
        ("batch_id", "batch"),
        ("custom_id", "item"),
        ("retried_from", ""),
        ("retried_as", ""),
        ("worker", ""),
    ):
        if job.raw.get(name):
            yield title or name.replace("_", " "), str(job.raw[name])
    if job.timings:
        yield "timings", ", ".join(f"{stage} {say_seconds(spent)}" for stage, spent in job.timings.items())
    for output in job.outputs:
        yield f"output {output.index}", f"{output.width} x {output.height}, {output.bytes} B, {output.url}"
    for key, text in job.metadata.items():
        yield "metadata", f"{key}={text}"


def _remarks(job: Job) -> Iterator[tuple[str, str]]:
    if job.error:
        yield "error", reason_of(job)
    for warning in say_warnings(job.warnings):
        yield "warning", warning
    if not job.done:
        yield "now", say_state(job)


def _model(model: dict[str, str]) -> list[str]:
    return [model[name] for name in ("name", "version") if model.get(name)]


def _times(job: Job) -> Iterator[tuple[str, str]]:
    if job.deadline_at:
        yield "deadline", say_moment(job.deadline_at)
    if job.pinned_at:
        yield "pinned", f"since {say_moment(job.pinned_at)}"
    if job.expires_at:
        yield "kept until", say_moment(job.expires_at)


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One line of a job's history."""

    at: datetime
    text: str


def history_of(job: Job) -> list[HistoryEntry]:
    """Return what entries to a job, in order. Long histories name the latest attempts alone."""
    entries = [HistoryEntry(job.created_at, "accepted")] if job.created_at else []
    waiting_since = job.created_at
    for attempt in job.attempts:
        entries += _attempt(attempt, waiting_since)
        waiting_since = attempt.ended_at
    if job.completed_at:
        entries.append(HistoryEntry(job.completed_at, job.status))
    return entries


def _attempt(attempt: Attempt, waiting_since: datetime | None) -> Iterator[HistoryEntry]:
    name, began, ended = f"attempt {attempt.number}", attempt.started_at, attempt.ended_at
    if began is not None:
        waited = f", after {_between(waiting_since, began)} of waiting" if waiting_since else ""
        yield HistoryEntry(began, f"{name} began on {attempt.worker}{waited}")
    if ended is not None:
        took = f" after {_between(began, ended)}" if began else ""
        code = f" ({attempt.code})" if attempt.code else ""
        yield HistoryEntry(
            ended, f"{name} ended{took}: {_ENDS.get(attempt.outcome or '', attempt.outcome)}{code}"
        )


def _between(begin: datetime, end: datetime) -> str:
    return say_seconds(max(0.0, (end - begin).total_seconds()))
