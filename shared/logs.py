"""Log configuration: one line for each event, as text or as JSON, with a constant message and fields."""

import json
import logging
import math
import sys
import threading
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from itertools import takewhile
from types import MappingProxyType
from typing import Any

_INDENT = "    "  # before the lines that belong to the one above
# Of a value in JSON: in its longest form, 12 characters for one, a line still fits into 64 KiB.
_MOST_CHARACTERS = 4_000
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, lone surrogates, separators of lines
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_TEXTS = ("level", "logger", "msg")
_HEAD = frozenset({"ts", *_TEXTS, "exception"})
_PARTING = "pid"  # after it an event has what it is about, which lines of text leave out
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}
Fields = Mapping[str, object]
# What all lines within a block are about: fields that each line in JSON has beside its own.
_NONE: Fields = MappingProxyType({})
_CONTEXT: ContextVar[Fields] = ContextVar("log_context", default=_NONE)
_of_process: dict[str, object] = {}


def plain(text: str) -> str:
    """Return a text on one line; characters that control a terminal become escapes, such as `\\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(character) if _steers(character) else character for character in text)


def _steers(character: str) -> bool:
    return unicodedata.category(character) in _CONTROLS or character in _DIRECTIONS


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode("ascii")


def one_line(value: object) -> str:
    """Return a value as JSON on one line, in ASCII without any control character."""
    return json.dumps(value, default=str).replace("\x7f", "\\u007f")


def plain_lines(error: BaseException) -> Iterator[str]:
    """Yield the lines of an error's traceback, escaped. What the error says begins no line of its own."""
    for part in traceback.format_exception(error):
        first, *rest = part.rstrip("\n").split("\n")
        yield plain(first)
        yield from (_INDENT + plain(line) for line in rest)


def _value(value: object) -> str:
    """Return a value as a field shows it: in quotes where it could be taken for several fields."""
    text = str(value)
    return json.dumps(text, ensure_ascii=False) if "=" in text or '"' in text else text


def _fields(record: logging.LogRecord) -> dict[str, object]:
    return {name: value for name, value in vars(record).items() if name not in _STANDARD}


class TextFormatter(logging.Formatter):
    """`12:00:00.123 INFO  worker: job finished job_id=... seconds=...`; only an event begins so."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line, followed by the traceback if there is one."""
        return "\n".join(text_lines(_body(record)))


class JsonFormatter(logging.Formatter):
    """One JSON object on each line, with what the line is about beside its own fields."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as text."""
        body = {**_body(record), _PARTING: record.process}
        body |= {name: value for name, value in fields_of_context().items() if name not in body}
        return one_line({name: _bounded(value) for name, value in body.items()})


def _body(record: logging.LogRecord) -> dict[str, object]:
    head: dict[str, object] = {
        "ts": record.created,
        "level": record.levelname,
        "logger": record.name,
        "msg": record.getMessage(),
    }
    if record.exc_info and record.exc_info[1]:
        head["exception"] = "\n".join(plain_lines(record.exc_info[1]))
    return {**head, **_fields(record)}


def text_lines(event: Mapping[str, Any]) -> Iterator[str]:
    """Yield an event, as a line in JSON has it, as lines of text; those after the first are indented."""
    moment = float(event["ts"])
    clock = f"{time.strftime('%H:%M:%S', time.localtime(moment))}.{int(moment % 1 * 1000):03d}"
    own = takewhile(lambda field: field[0] != _PARTING, event.items())
    fields = "".join(f" {name}={_value(value)}" for name, value in own if name not in _HEAD)
    yield plain(f"{clock} {event['level']:<7} {event['logger']}: {event['msg']}{fields}")
    if "exception" in event:
        yield from (_INDENT + plain(line) for line in str(event["exception"]).split("\n"))


def event_of(line: str) -> dict[str, Any] | None:
    """Return the event of a line in JSON; None for a line that is something else."""
    if not line.startswith('{"ts": '):
        return None
    try:
        event: dict[str, Any] = json.loads(line)
        is_event = math.isfinite(event["ts"]) and all(isinstance(event[name], str) for name in _TEXTS)
    except (ValueError, KeyError, TypeError, OverflowError, RecursionError):
        return None
    return event if is_event else None


def _bounded(value: object) -> object:
    """Return a value without the middle of a text that is too long for a line."""
    if not isinstance(value, str) or len(value) <= _MOST_CHARACTERS:
        return value
    half = _MOST_CHARACTERS // 2
    return f"{value[:half]} ... {value[-half:]}"


def configure_logs(log_format: str, level: str) -> None:
    """Send all logs to stderr in one format; reduce the logs of libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    report_uncaught(lambda error: logging.getLogger("atelier").critical("not caught", exc_info=error))
    for chatty in ("celery", "kombu", "PIL", "absl", "httpx", "httpcore", "urllib3", "asyncio"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def report_uncaught(report: Callable[[BaseException], None]) -> None:
    """Have `report` take each error that nothing catches: Python itself writes what it says as it is."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = lambda _kind, error, _trace: report(error)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda found: report(found.exc_value) if found.exc_value else None
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda found: report(found.exc_value) if found.exc_value else None


def say_in_each_line(**fields: object) -> None:
    """Have all lines of this process tell these fields too, such as which worker it is."""
    _of_process.update(fields)


@contextmanager
def log_context(**fields: object) -> Iterator[None]:
    """Have the lines that this thread writes in the block tell these fields too; empty ones are left out."""
    token = _CONTEXT.set(_with(fields))
    try:
        yield
    finally:
        _CONTEXT.reset(token)


def begin_log_context(**fields: object) -> None:
    """Have all further lines of this thread or greenlet tell these fields, and no earlier ones."""
    _CONTEXT.set({name: value for name, value in fields.items() if value})


def add_log_context(**fields: object) -> None:
    """Have all further lines of this thread or greenlet tell these fields too."""
    _CONTEXT.set(_with(fields))


def fields_of_context() -> dict[str, object]:
    """Return the fields that a line written now has beside its own."""
    return {**_of_process, **_CONTEXT.get()}


def _with(fields: Fields) -> Fields:
    return {**_CONTEXT.get(), **{name: value for name, value in fields.items() if value}}
