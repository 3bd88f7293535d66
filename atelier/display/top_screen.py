"""The screen of `atelier top`: the queue, pauses, running jobs, batches and failures at one moment."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from rich.text import Text

from atelier.client.batch import Batch
from atelier.client.job import Job
from atelier.client.queue.pauses import Pause
from atelier.client.stats import Failure, Stats
from atelier.display.batch_tables import say_left, say_status
from atelier.display.pause_tables import say_scope, say_time
from atelier.display.progress_bar import say_state
from atelier.display.stats_tables import stats_table
from atelier.display.table import Table, wrapped
from atelier.display.time_format import say_seconds


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What the screen shows."""

    url: str
    at: datetime
    stats: Stats
    pauses: Sequence[Pause]  # that the key may see
    running: Sequence[Job]  # the latest of those that run
    batches: Sequence[Batch]  # the latest of those that are not done
    failures: Sequence[Failure]  # of the last day


def top_lines(shown: Snapshot, width: int) -> Iterator[Text]:
    """Yield what fits this many columns."""
    yield from wrapped(_heading(shown), width)
    yield Text()
    yield from stats_table(shown.stats).lines(width)
    parts = (
        ("Pauses", _pauses(shown.pauses), shown.pauses),
        ("Running jobs", _running(shown.running), shown.running),
        ("Batches", _batches(shown.batches), shown.batches),
        ("Failures of the last day", _failures(shown.failures), shown.failures),
    )
    for title, table, rows in parts:
        if rows:
            yield Text()
            yield Text(title, "bold")
            yield from table.lines(width)


def fitting(lines: Iterable[Text], height: int) -> list[Text]:
    """Return the lines that fit a terminal; the last says how many do not."""
    found = list(lines)
    if len(found) <= height:
        return found
    left = len(found) - height + 1
    return [*found[: height - 1], Text(f"{left} more lines: a higher window shows them", "dim")]


def _heading(shown: Snapshot) -> Text:
    stats = shown.stats
    wanted = "" if stats.workers_wanted is None else f", {stats.workers_wanted} wanted"
    noun = "worker" if stats.workers == 1 else "workers"
    workers = f"{stats.workers} {noun} with {stats.slots} slots{wanted}"
    delayed = f", {stats.delayed} delayed" if stats.delayed else ""
    return Text.assemble((shown.url, "bold"), f"  {shown.at.astimezone():%H:%M:%S}  ", workers, delayed)


def _pauses(pauses: Iterable[Pause]) -> Table:
    table = Table("of", "when", "reason")
    for pause in pauses:
        table.add(say_scope(pause), say_time(pause), pause.reason)
    return table


def _running(jobs: Iterable[Job]) -> Table:
    table = Table("worker", "job", "model", "for", "doing")
    now = datetime.now(UTC)
    for job in jobs:
        model = str((job.raw.get("model") or {}).get("name") or "")
        seconds = max(0.0, (now - job.started_at).total_seconds()) if job.started_at else 0.0
        table.add(str(job.raw.get("worker") or "?"), job.id, model, say_seconds(seconds), say_state(job))
    return table


def _batches(batches: Iterable[Batch]) -> Table:
    table = Table("batch", "status", "done", "failed", "rate", "left", "name")
    for batch in batches:
        rate = f"{batch.rate_per_second:.3g}/s" if batch.rate_per_second else ""
        done, failed = f"{batch.ended}/{batch.counts['total']}", str(batch.counts["failed"] or "")
        table.add(batch.id, say_status(batch), done, failed, rate, say_left(batch), batch.name)
    return table


def _failures(failures: Iterable[Failure]) -> Table:
    table = Table("code", "count", "example")
    for failure in failures:
        table.add(failure.code, str(failure.count), failure.example)
    return table
