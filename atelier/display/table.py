"""Tables and pages: as wide as the terminal for people, a row a line and cells split by tabs for programs."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from itertools import accumulate

import click
from rich.console import Console
from rich.text import Text

from shared.logs import plain

GAP = 2  # columns between cells
LEAST = 24  # columns that a long last cell needs beside the others
INDENT = 4  # columns before the lines that belong to the one above

Row = tuple[Text, ...]

_CONTROLS = dict.fromkeys([*range(32), *range(127, 160)], "\N{REPLACEMENT CHARACTER}")


class Table:
    """Rows under headings. The first cell of a row is its name, the last may be a long text."""

    def __init__(self, *headings: str) -> None:
        self._headings = headings
        self._rows: list[Row] = []

    def add(self, *cells: str | Text) -> None:
        """Add a row: a cell for each heading, "" where there is nothing to say."""
        self._rows.append(tuple(_text(cell) for cell in cells))

    def print(self) -> None:
        """Print the table on the standard output."""
        _print(self)

    def tabbed(self) -> Iterator[str]:
        """Yield a line of headings and one for each row, for programs."""
        yield "\t".join(self._headings)
        for row in self._rows:
            yield "\t".join(cell.plain for cell in row)

    def lines(self, width: int) -> Iterator[Text]:
        """Yield what fits this many columns: rows side by side, else the other cells below their row.

        A heading that no row has anything under is left out.
        """
        headings, rows = self._filled()
        widths = [
            max(len(heading), *(cell.cell_len for cell in column))
            for heading, column in zip(headings, zip(*rows, strict=True), strict=True)
        ]
        beside = _room(headings, rows, widths, width)
        if beside > 1:
            yield from _side_by_side(headings[:beside], widths[:beside], width)
        for row in rows:
            yield from _side_by_side(row[:beside], widths[:beside], width)
            yield from _below(headings[beside:], row[beside:], width)

    def _filled(self) -> tuple[Row, list[Row]]:
        """Return the headings that rows have something under, and the rows' cells under them."""
        kept = [i for i in range(len(self._headings)) if i == 0 or any(row[i] for row in self._rows)]
        headings = tuple(Text(self._headings[i], "bold") for i in kept)
        return headings, [tuple(row[i] for i in kept) for row in self._rows]


def _room(headings: Row, rows: Sequence[Row], widths: Sequence[int], width: int) -> int:
    """Return how many columns of a table fit side by side: all where the last may go on below itself."""
    *others, last = widths
    rest = width - sum(others) - GAP * len(others)
    longest = max(len(word) for row in (headings, *rows) for word in row[-1].plain.split() or [""])
    if rest >= max(min(last, LEAST), longest):
        return len(widths)
    ends = accumulate(size + GAP for size in widths[:-1])
    return max(1, sum(end - GAP <= width for end in ends))


def _side_by_side(cells: Row, widths: Sequence[int], width: int) -> list[Text]:
    return (
        row_lines(cells[:-1], widths[:-1], cells[-1], width) if len(cells) > 1 else wrapped(cells[0], width)
    )


def _below(headings: Row, cells: Row, width: int) -> Iterator[Text]:
    """Return a label and a value for each cell, as many on a line as there is room for."""
    lines: list[Text] = []
    for heading, cell in zip(headings, cells, strict=True):
        pair = Text.assemble((f"{heading.plain}: ", "dim"), cell)
        if not cell:
            continue
        if lines and lines[-1].cell_len + GAP + pair.cell_len <= width - INDENT:
            lines[-1] = Text.assemble(lines[-1], " " * GAP, pair)
        else:
            lines += wrapped(pair, width - INDENT)
    return (Text.assemble(" " * INDENT, line) for line in lines)


class FactSheet:
    """What is known of one thing: a name and a text on each line."""

    def __init__(self) -> None:
        self._facts: list[tuple[str, Text]] = []

    def add(self, name: str, text: str | Text) -> None:
        """Add a line."""
        self._facts.append((name, _text(text)))

    def print(self) -> None:
        """Print the page on the standard output."""
        _print(self)

    def tabbed(self) -> Iterator[str]:
        """Yield a line for each fact, for programs."""
        return (f"{_text(name).plain}\t{text.plain}" for name, text in self._facts)

    def lines(self, width: int) -> Iterator[Text]:
        """Yield what fits this many columns."""
        most = max(len(name) for name, _ in self._facts)
        for name, text in self._facts:
            yield from row_lines([Text(_text(name).plain, "bold")], [most], text, width)


def wrapped(text: str | Text, width: int) -> list[Text]:
    """Return a text in lines of this many columns. A word is never broken, so that it can be copied."""
    lines = [Text()]
    for word in _text(text).split(" "):
        if lines[-1] and lines[-1].cell_len + 1 + word.cell_len > width:
            lines.append(Text())
        lines[-1] = Text.assemble(lines[-1], " ", word) if lines[-1] else word
    return lines


def row_lines(cells: Sequence[str | Text], widths: Sequence[int], last: str | Text, width: int) -> list[Text]:
    """Return a row whose last cell goes on below itself, or on separate lines where a word is too long."""
    head = Text()
    for cell, size in zip(map(_text, cells), widths, strict=True):
        head = Text.assemble(head, cell, " " * (size - cell.cell_len + GAP))
    first, *more = wrapped(last, width - head.cell_len)
    if max(line.cell_len for line in (first, *more)) > width - head.cell_len:
        return [head, *_indented(last, INDENT, width)]
    return [Text.assemble(head, first), *(Text.assemble(" " * head.cell_len, line) for line in more)]


def write_lines(lines: Iterable[Text]) -> None:
    """Write lines on the terminal that is the standard output, in their colors, as they are."""
    console = Console(highlight=False, soft_wrap=True)
    for line in lines:
        line.rstrip()
        console.print(line)


def terminal_width() -> int | None:
    """Return the columns of the terminal that is the standard output; None where it is a file or a pipe."""
    return Console().width if sys.stdout.isatty() else None


def _text(cell: str | Text) -> Text:
    """Return a cell on one line, with nothing in it that moves a terminal's cursor."""
    given = str(cell.plain if isinstance(cell, Text) else cell)
    clean = plain(" ".join(given.split()).translate(_CONTROLS))
    return cell if isinstance(cell, Text) and clean == given else Text(clean)


def _indented(text: str | Text, indent: int, width: int) -> Iterator[Text]:
    return (Text.assemble(" " * indent, line) for line in wrapped(text, width - indent))


def _print(shown: Table | FactSheet) -> None:
    width = terminal_width()
    if width is not None:
        write_lines(shown.lines(width))
        return
    for line in shown.tabbed():
        click.echo(line)
