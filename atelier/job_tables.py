"""Jobs as people read them in a terminal: a table of many, a page of one."""

import sys
from collections.abc import Iterable, Iterator

from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from atelier.client.job import Job
from atelier.job_history import history_of
from atelier.moments import say_exactly, say_moment, say_seconds
from atelier.progress_display import say_state

PLAIN_WIDTH = 160  # columns where no terminal says how many it has
COLORS = {"succeeded": "green", "failed": "red", "canceled": "yellow", "expired": "yellow", "running": "cyan"}


def results_console() -> Console:
    """Return the console for what a command was asked for."""
    return Console(highlight=False, width=None if sys.stdout.isatty() else PLAIN_WIDTH)


def job_table(jobs: Iterable[Job]) -> Table:
    """Return a row for each job: when it was accepted, how long it ran, and why it ended or waits."""
    columns = (Column("job", no_wrap=True), "type", "model", "status", "accepted", "ran")
    table = Table(*columns, Column("reason", overflow="fold"), box=None)
    for job in jobs:
        model = str((job.raw.get("model") or {}).get("name") or "")
        ran = _ran(job)
        table.add_row(job.id, job.type, model, _status(job), say_moment(job.created_at), ran, reason_of(job))
    return table


def reason_of(job: Job) -> str:
    """Return why a job failed, or why its last attempt did; where it stands if it goes on."""
    if job.error:
        fields = "; ".join(f"{fault.field}: {fault.detail}" for fault in job.error.errors if fault.field)
        return escape(f"{job.error.code}: {fields or job.error.detail}")
    return "" if job.done else escape(say_state(job))


def _status(job: Job) -> str:
    color = COLORS.get(job.status)
    return f"[{color}]{job.status}[/]" if color else job.status


def _ran(job: Job) -> str:
    if not (job.started_at and job.completed_at):
        return ""
    return say_seconds((job.completed_at - job.started_at).total_seconds())


def print_job(console: Console, job: Job) -> None:
    """Print all that the service knows of a job."""
    facts = Table(box=None, show_header=False)
    for name, text in _facts(job):
        facts.add_row(f"[bold]{name}[/]", text)
    console.print(facts)
    console.print("[bold]history[/]")
    history = Table(box=None, show_header=False)
    for happening in history_of(job):
        history.add_row(say_exactly(happening.at), escape(happening.text))
    console.print(history)


def _facts(job: Job) -> Iterator[tuple[str, str]]:
    yield "job", job.id
    yield "status", _status(job)
    if job.error:
        said_by_field = any(fault.field for fault in job.error.errors)
        yield "error", escape(job.error.code if said_by_field else f"{job.error.code}: {job.error.detail}")
        yield from (("", escape(f"{f.field}: {f.detail}")) for f in job.error.errors if f.field)
    if not job.done:
        yield "now", escape(say_state(job))
    model = job.raw.get("model") or {}
    yield "asked for", escape(f"{job.type} with {' '.join(str(p) for p in _model(model))}")
    yield from _moments(job)
    for name in ("retried_from", "worker"):
        if job.raw.get(name):
            yield name.replace("_", " "), escape(str(job.raw[name]))
    if job.timings:
        yield "timings", ", ".join(f"{stage} {say_seconds(spent)}" for stage, spent in job.timings.items())
    for output in job.outputs:
        yield (
            f"output {output.index}",
            escape(f"{output.width} x {output.height}, {output.bytes} B, {output.url}"),
        )
    for key, text in job.metadata.items():
        yield "metadata", escape(f"{key}={text}")


def _model(model: dict[str, str]) -> list[str]:
    return [model[name] for name in ("name", "version") if model.get(name)]


def _moments(job: Job) -> Iterator[tuple[str, str]]:
    if job.deadline_at:
        yield "deadline", say_moment(job.deadline_at)
    if job.expires_at:
        yield "kept until", say_moment(job.expires_at)
