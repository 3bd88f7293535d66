"""The pages that users read, as blocks: what a reader types, saves and sees."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
_FILES = ("README*.md", "CONTRIBUTING.md", "CHANGELOG.md", "SECURITY.md", "docs/**/*.md", "clients/**/*.md")
PAGES = {str(path.relative_to(ROOT)): path for glob in _FILES for path in sorted(ROOT.glob(glob))}

_FENCE = re.compile(r" *```(\S*)$")
_MARK = re.compile(r"<!-- not run: (.+) -->$")
_SAVED = re.compile(r"`([^`]+)`:$")


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block; `before` is the line of text before it."""

    page: str
    line: int
    language: str
    text: str
    before: str

    @property
    def place(self) -> str:
        return f"{self.page}:{self.line}"

    @property
    def reason(self) -> str | None:
        """The reason of a mark that no test runs it."""
        found = _MARK.match(self.before)
        return found and found.group(1)

    @property
    def file(self) -> str | None:
        """The file that the reader saves it as, where the line before it is nothing but that name."""
        found = _SAVED.match(self.before)
        return found and found.group(1)


def blocks_of(page: str) -> list[Block]:
    """Return the fenced blocks of a page, from top to bottom."""
    return list(_blocks(page, PAGES[page].read_text("utf-8").splitlines()))


def commands_of(page: str, command: str) -> str:
    """Return the one block of commands of a page that has a command in it."""
    (found,) = [block.text for block in blocks_of(page) if block.language == "sh" and command in block.text]
    return found


def _blocks(page: str, lines: list[str]) -> Iterator[Block]:
    numbered = iter(enumerate(lines, 1))
    before = ""
    for number, line in numbered:
        if fence := _FENCE.match(line):
            text = "".join(f"{inner}\n" for inner in _until_fence(numbered))
            yield Block(page, number, fence.group(1), text, before)
            before = ""
        elif line.strip():
            before = line.strip()


def _until_fence(numbered: Iterator[tuple[int, str]]) -> Iterator[str]:
    for _, line in numbered:
        if _FENCE.match(line):
            return
        yield line
