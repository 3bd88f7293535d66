"""Log configuration: one line for each event, as text or as JSON, with a constant message and fields."""

import json
import logging
import sys
import threading
import time
import traceback
import unicodedata
from collections.abc import Callable, Iterator

_INDENT = "    "  # before the lines that belong to the one above
_CONTROLS = frozenset({"Cc", "Cs", "Zl", "Zp"})  # controls, lone surrogates, separators of lines
_DIRECTIONS = frozenset("\u061c\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "taskName", "data"}


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
        clock = time.strftime("%H:%M:%S", time.localtime(record.created))
        fields = "".join(f" {name}={_value(value)}" for name, value in _fields(record).items())
        head = f"{clock}.{int(record.msecs):03d} {record.levelname:<7} {record.name}"
        lines = [plain(f"{head}: {record.getMessage()}{fields}")]
        if record.exc_info and record.exc_info[1]:
            lines += (_INDENT + line for line in plain_lines(record.exc_info[1]))
        return "\n".join(lines)


class JsonFormatter(logging.Formatter):
    """One JSON object on each line."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the object as text."""
        body = {
            "ts": record.created,
            "level": record.levelname,
            "logger": record.name,
            "msg": record.getMessage(),
        }
        if record.exc_info:
            body["exception"] = self.formatException(record.exc_info)
        return one_line({**body, **_fields(record)})


def configure_logs(log_format: str, level: str) -> None:
    """Send all logs to stderr in one format; reduce the logs of libraries."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter() if log_format == "json" else TextFormatter())
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    logging.captureWarnings(capture=True)
    report_uncaught(lambda error: logging.getLogger("atelier").critical("not caught", exc_info=error))
    for chatty in ("celery.worker.strategy", "celery.app.trace", "kombu", "PIL", "absl", "httpx", "httpcore"):
        logging.getLogger(chatty).setLevel(logging.WARNING)


def report_uncaught(report: Callable[[BaseException], None]) -> None:
    """Have `report` take each error that nothing catches: Python itself writes what it says as it is."""
    if sys.excepthook is sys.__excepthook__:
        sys.excepthook = lambda _kind, error, _trace: report(error)
    if threading.excepthook is threading.__excepthook__:
        threading.excepthook = lambda found: report(found.exc_value) if found.exc_value else None
    if sys.unraisablehook is sys.__unraisablehook__:
        sys.unraisablehook = lambda found: report(found.exc_value) if found.exc_value else None
