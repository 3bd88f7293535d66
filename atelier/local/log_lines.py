"""Lines of logs: which of them tell of a job or a batch, and when each was written."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from shared.logs import event_of, text_lines

_ID = r"[A-Za-z0-9_-]"  # a character of ids: one that goes on is another's
_NAMED = re.compile(r"\s*([\w.-]+)\s*\|\s(.*)", re.DOTALL)  # a container's name before its line


@dataclass(frozen=True, slots=True)
class LogLine:
    """One event of a log, or a line that is none."""

    at: float | None  # seconds since the epoch; None: a line of text, which has no date
    process: str  # "" where the log does not say
    event: Mapping[str, Any]  # the members of a line in JSON; of another one `msg` alone

    def lines(self) -> Iterator[str]:
        """Yield the lines of text that show it, without the time."""
        if self.at is None or "level" not in self.event:
            yield str(self.event["msg"])
            return
        first, *rest = text_lines(self.event)
        yield first.partition(" ")[2]
        yield from rest


def line_of(text: str) -> LogLine:
    """Return a line of a log in JSON or text, with a container's name before it or without."""
    named = _NAMED.match(text)
    process, rest = (named[1], named[2]) if named else ("", text)
    event = event_of(rest) or event_of(text)
    if event is not None:
        return LogLine(float(event["ts"]), str(event.get("process", process)), event)
    return LogLine(None, process, {"msg": rest.rstrip()})


class Subject:
    """What lines are looked for: ids, and for a batch those of its items too."""

    def __init__(self, ids: Iterable[str]) -> None:
        self._pattern = re.compile(f"(?<!{_ID})(?:{'|'.join(map(_pattern_of, ids))})(?!{_ID})")

    def is_in(self, text: str) -> bool:
        """Whether a line tells of it."""
        return self._pattern.search(text) is not None


def _pattern_of(text: str) -> str:
    one = re.escape(text)
    if not text.startswith("batch_"):
        return one
    return rf"{one}|job_{re.escape(text.removeprefix('batch_'))}-\d+(?:-\d+)?"


def matching(texts: Iterable[str], subject: Subject) -> Iterator[LogLine]:
    """Yield the events that tell of a subject, with the indented lines that belong to one of text."""
    last_matched = False
    for text in texts:
        goes_on = text.startswith("    ")
        last_matched = last_matched if goes_on else subject.is_in(text)
        if last_matched:
            yield line_of(text)
