"""Which jobs a command means: those it names, or all that its filters let through, after a question."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from atelier.client.client import Client

TYPES = ("generate", "stylize", "transform")
FILTERS = ("type", "model", "code", "worker")
Command = Callable[..., None]

_FILTER_OPTIONS = (
    click.option("--type", type=click.Choice(TYPES), help="Only jobs of this type."),
    click.option("--model", help="Only jobs of this model."),
    click.option("--code", help="Only jobs with this error, such as worker_lost."),
    click.option("--worker", help="Only jobs that this worker had last."),
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The jobs that a command is for."""

    ids: tuple[str, ...]
    by_status: bool  # not named one by one
    as_json: bool
    none: str = ""  # what is said where there are no ids


def filter_options(command: Command) -> Command:
    """Give a command the options that let some jobs through."""
    return _with(_FILTER_OPTIONS, command)


def chosen_options(statuses: Sequence[str]) -> Callable[[Command], Command]:
    """Give a command what chooses jobs; `statuses` are those in which its move is allowed."""
    which = (
        click.argument("job_ids", nargs=-1, metavar="[ID]..."),
        click.option("--status", type=click.Choice(statuses), help="In place of ids, with --all."),
    )
    how = (
        click.option("--all", "everything", is_flag=True, help="Every job of --status."),
        click.option("--yes", is_flag=True, help="Do not ask before --all."),
        click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each job."),
    )
    return lambda command: _with((*which, *_FILTER_OPTIONS, *how), command)


def _with(options: Sequence[Callable[[Command], Command]], command: Command) -> Command:
    for option in reversed(options):
        command = option(command)
    return command


def choose(client: Client, verb: str, options: Mapping[str, Any]) -> Choice:
    """Return the jobs that the options name; ask before it is all of a status."""
    ids = tuple(dict.fromkeys(options["job_ids"]))
    filters = {name: options[name] for name in FILTERS if options[name]}
    if bool(ids) == bool(options["status"]) or bool(options["status"]) != options["everything"]:
        raise click.UsageError("name jobs by their ids, or all of a status with --status STATUS --all")
    if ids and filters:
        raise click.UsageError(f"--{next(iter(filters))} goes with --status and --all")
    if not ids:
        ids = tuple(job.id for job in client.jobs(status=options["status"], **filters))
        if ids and not options["yes"]:
            click.confirm(f"{verb} {len(ids)} {options['status']} jobs?", abort=True, err=True)
    none = f"{say_none({'status': options['status'], **filters})[:-1]}, so nothing was done."
    return Choice(ids, by_status=bool(options["status"]), as_json=options["as_json"], none=none)


def say_none(filters: Mapping[str, Any]) -> str:
    """Return the sentence that tells of no job at all, or of none that the filters let through."""
    given = " ".join(f"--{name} {value}" for name, value in filters.items() if value)
    return f"No job matches {given}." if given else "There are no jobs."
