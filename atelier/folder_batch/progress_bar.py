"""Shows how a run goes: a bar on a terminal, a line now and then elsewhere."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Column

from atelier.display.plain import echo
from atelier.display.progress_bar import stderr_console
from atelier.display.time_format import say_seconds
from atelier.folder_batch.progress import News
from shared.logs import plain

OnNews = Callable[[News], None]
LINE_SECONDS = 5.0  # between lines, where no terminal shows a bar


@contextmanager
def shown(title: str) -> Iterator[OnNews]:
    """Show the news while the block runs; the block is given what takes the news."""
    if not sys.stderr.isatty():
        yield Lines(title)
        return
    columns = (
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TextColumn("[dim]{task.fields[news]}[/]", table_column=Column(no_wrap=True, overflow="ellipsis")),
    )
    with Progress(*columns, console=stderr_console(), transient=True) as bar:
        task = bar.add_task(escape(plain(title)), total=None, news="")
        yield lambda news: bar.update(
            task, completed=news.done, total=news.total or None, news=say_pace(news)
        )


class Lines:
    """Writes a line now and then, while something changes."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._next = time.monotonic() + LINE_SECONDS
        self._last = ""

    def __call__(self, news: News) -> None:
        """Take the news."""
        if time.monotonic() < self._next:
            return
        self._next = time.monotonic() + LINE_SECONDS
        line = f"{self._title} {news.done}/{news.total} {say_pace(news)}".rstrip()
        if line != self._last:
            echo(line, err=True)
            self._last = line


def say_pace(news: News) -> str:
    """Return the rate, how long it will take still, and what went wrong, in a few words."""
    left = news.total - news.done
    parts = [f"{news.per_second:.1f}/s"] if news.per_second else []
    if news.per_second and left:
        parts.append(f"{say_seconds(left / news.per_second)} left")
    if news.failed:
        parts.append(news.failed)
    if news.to_read:
        parts.append(f"{news.to_read} photos to read")
    return ", ".join(parts)
