"""The numbers of the queue, as tables on a terminal."""

from collections.abc import Iterator

from atelier.client.stats import Share, Stats
from atelier.display.table import FactSheet, Table
from atelier.display.time_format import say_seconds

HEADINGS = ("part", "waiting", "running", "paused", "oldest", "done/min", "failed/min", "work")


def stats_table(stats: Stats) -> Table:
    """Return a row for everything together, and one for each lane, model and owner."""
    table = Table(*HEADINGS)
    for name, share in _parts(stats):
        table.add(name, *_cells(share))
    return table


def workers_page(stats: Stats) -> FactSheet:
    """Return what is said of the workers."""
    page = FactSheet()
    wanted = "not known yet" if stats.workers_wanted is None else str(stats.workers_wanted)
    page.add("workers", f"{stats.workers}, with {stats.slots} jobs at once")
    page.add("workers wanted", wanted)
    page.add("delayed jobs", str(stats.delayed))
    if stats.numerics:
        page.add("numerics", ", ".join(f"{name} ({count})" for name, count in stats.numerics.items()))
    return page


def _parts(stats: Stats) -> Iterator[tuple[str, Share]]:
    yield "all", stats.total
    for kind, shares in (("lane", stats.lanes), ("model", stats.models), ("owner", stats.owners)):
        for name, share in shares.items():
            yield f"{kind} {name}", share


def _cells(share: Share) -> tuple[str, ...]:
    ended = share.ended_a_minute
    return (
        str(share.waiting),
        str(share.running),
        str(share.paused or ""),
        "" if share.oldest_seconds is None else say_seconds(share.oldest_seconds),
        f"{ended['succeeded']:.4g}",
        f"{ended['failed'] + ended['expired']:.4g}",
        "?" if share.work_seconds is None else say_seconds(share.work_seconds),
    )
