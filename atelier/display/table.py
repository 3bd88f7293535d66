"""Tables and pages: as wide as the terminal for people, a row a line and cells split by tabs for programs."""

import sys
from collections.abc import Iterable, Iterator, Sequence

import click
from rich.console import Console
from rich.text import Text

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
        """Yield what fits this many columns: rows side by side, else each row as a paragraph."""
        return self._aligned(width) if self._fits(width) else self._paragraphs(width)

    def _widths(self) -> list[int]:
        cells = zip(*self._rows, strict=True)
        return [
            max(len(heading), *(cell.cell_len for cell in column))
            for heading, column in zip(self._headings, cells, strict=True)
        ]

    def _fits(self, width: int) -> bool:
        *others, last = self._widths()
        rest = width - sum(others) - GAP * len(others)
        longest = max(
            len(word) for row in self._rows for word in [*row[-1].plain.split(), self._headings[-1]]
        )
        return rest >= max(min(last, LEAST), longest)

    def _aligned(self, width: int) -> Iterator[Text]:
        widths = self._widths()[:-1]
        headings = tuple(Text(heading, "bold") for heading in self._headings)
        for row in (headings, *self._rows):
            yield from row_lines(row[:-1], widths, row[-1], width)

    def _paragraphs(self, width: int) -> Iterator[Text]:
        for name, *cells in self._rows:
            yield name
            said = [(label, cell) for label, cell in zip(self._headings[1:], cells, strict=True) if cell]
            words = Text("  ").join(Text.assemble((label, "dim"), " ", cell) for label, cell in said)
            yield from _indented(words, INDENT, width)


class Page:
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
        return (f"{name}\t{text.plain}" for name, text in self._facts)

    def lines(self, width: int) -> Iterator[Text]:
        """Yield what fits this many columns."""
        most = max(len(name) for name, _ in self._facts)
        for name, text in self._facts:
            yield from row_lines([Text(name, "bold")], [most], text, width)


def wrapped(text: str | Text, width: int) -> list[Text]:
    """Return a text in lines of this many columns. A word is never broken, so that it can be copied."""
    lines = [Text()]
    for word in _text(text).split(" "):
        if lines[-1] and lines[-1].cell_len + 1 + word.cell_len > width:
            lines.append(Text())
        lines[-1] = Text.assemble(lines[-1], " ", word) if lines[-1] else word
    return lines


def row_lines(cells: Sequence[str | Text], widths: Sequence[int], last: str | Text, width: int) -> list[Text]:
    """Return a row whose last cell goes on below itself, or on lines of its own where a word is too long."""
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
    plain = str(cell.plain if isinstance(cell, Text) else cell)
    clean = " ".join(plain.split()).translate(_CONTROLS)
    return cell if isinstance(cell, Text) and clean == plain else Text(clean)


def _indented(text: str | Text, indent: int, width: int) -> Iterator[Text]:
    return (Text.assemble(" " * indent, line) for line in wrapped(text, width - indent))


def _print(shown: Table | Page) -> None:
    width = terminal_width()
    if width is not None:
        write_lines(shown.lines(width))
        return
    for line in shown.tabbed():
        click.echo(line)
