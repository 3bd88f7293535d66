"""`atelier logs`: what the processes logged about a job or a batch, beside its history, in one timeline."""

import sys
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from itertools import chain
from pathlib import Path

import click

from atelier.client.errors import ClientError
from atelier.commands.options.service import Target, pass_target
from atelier.commands.options.times import Ago
from atelier.display import echo, echo_json
from atelier.display.errors import say_error
from atelier.display.time_format import say_exactly
from atelier.local.log_files import LogReader, log_file
from atelier.local.log_history import NO_HISTORY, History, history_of
from atelier.local.log_lines import LogLine, Subject, matching
from shared.settings import Settings

STDIN = Path("-")
_FILE = click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path)
COMPOSE = "docker compose logs --no-log-prefix | atelier logs {} -"


@click.command(short_help="Show what was logged about a job or a batch, with its history.")
@click.argument("subject", metavar="ID")
@click.argument("files", nargs=-1, metavar="[FILE]...", type=_FILE)
@click.option("--follow", is_flag=True, help="Go on with new lines, until Ctrl-C.")
@click.option("--since", type=Ago(), metavar="TIME", help="Leave out what is older, such as 2h.")
@click.option("--json", "as_json", is_flag=True, help="Print each line as JSON.")
@pass_target
def logs(
    target: Target,
    *,
    subject: str,
    files: tuple[Path, ...],
    follow: bool,
    since: datetime | None,
    as_json: bool,
) -> None:
    """Show all log lines about a job or a batch, and its history from the service, by time.

    It reads the logs of this state folder, or the files that you name; - is the standard input.
    ID may also be that of a request or a trace.

    \b
    atelier logs job_01 --since 2h
    docker compose logs --no-log-prefix | atelier logs job_01 -
    """
    history, fault = _history(target, subject)
    wanted = Subject([subject, *history.ids])
    newest = log_file(Settings.from_env().state_dir)
    least = since.timestamp() if since else 0.0
    with ExitStack() as stack:
        readers = [stack.enter_context(LogReader(path)) for path in files or (newest,) if path != STDIN]
        is_stream = follow and STDIN in files
        given = sys.stdin if STDIN in files and not follow else ()
        kept = chain(*(reader.kept() for reader in readers), given)
        lines = _in_order(matching(kept, wanted), history, least)
        if not lines and not follow:
            raise fault or click.ClickException(_nothing(subject, files, newest))
        if fault is not None:
            echo(f"no history: {say_error(fault, None)}", err=True)
        _show(lines, as_json=as_json)
        if follow:
            coming = sys.stdin if is_stream else readers[-1].new()
            _show((line for line in matching(coming, wanted) if _is_due(line, least)), as_json=as_json)


def _history(target: Target, subject: str) -> tuple[History, ClientError | None]:
    """Return what the service knows, or why that is not known: the logs may be of one that is down."""
    try:
        with target.client(retries=0) as client:
            return history_of(client, subject), None
    except ClientError as error:
        return NO_HISTORY, error


def _is_due(line: LogLine, least: float) -> bool:
    return line.at is None or line.at >= least


def _in_order(found: Iterable[LogLine], history: History, least: float) -> list[LogLine]:
    """Return lines by their time; one without a date stays behind the one that it followed."""
    last, timed = 0.0, []
    for line in found:
        last = last if line.at is None else line.at
        timed.append((last, line))
    timed += [(line.at or 0.0, line) for line in history.lines]
    return [line for _, line in sorted(timed, key=lambda pair: pair[0]) if _is_due(line, least)]


def _show(lines: Iterable[LogLine], *, as_json: bool) -> None:
    for line in lines:
        if as_json:
            echo_json({**line.event, "process": line.process})
        else:
            echo(*_said(line))


def _said(line: LogLine) -> Iterator[str]:
    first, *rest = line.lines()
    moment = "" if line.at is None else f"{say_exactly(datetime.fromtimestamp(line.at, UTC))} "
    yield f"{moment}{line.process:<9} {first}"
    yield from rest


def _nothing(subject: str, files: tuple[Path, ...], newest: Path) -> str:
    if files or newest.exists():
        where = ", ".join(str(path) for path in files or (newest,))
        return f"nothing tells of {subject} in {where}"
    return f"no logs in {newest.parent}: `atelier up` writes them; for containers: {COMPOSE.format(subject)}"
