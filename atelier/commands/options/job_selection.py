"""Which jobs a command means, by id or by filters and after a question; and one move of each of them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import click

from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.client.job import Job
from atelier.commands.options.one_by_one import report, report_refusal
from atelier.commands.options.painting import Command, Option, with_options
from atelier.commands.options.times import Ago
from atelier.display import echo
from atelier.lazy_group import EXIT_FAILED

UNAVAILABLE = 500  # and above: the service is at fault, so it would refuse the next jobs too
LANES = ("interactive", "bulk")
TYPES = ("generate", "stylize", "transform")
FILTERS = (
    "lane", "type", "model", "code", "worker", "model_version", "batch", "custom_id", "metadata", "style",
    "since", "until",
)  # fmt: skip
DEAD = ("failed", "expired")  # lists of these have items of batches in them, as the service's own do
GO_WITH_BATCH = "they go with their batch, by `atelier batches delete`"

_FILTER_OPTIONS = (
    click.option("--type", type=click.Choice(TYPES), help="Choose only jobs of this type."),
    click.option("--model", help="Choose only jobs of this model."),
    click.option("--code", help="Choose only jobs with this error, such as worker_lost."),
    click.option("--worker", help="Choose only jobs that this worker had last."),
    click.option("--model-version", help="Choose only jobs that this version of their model made."),
    click.option("--batch", help="Choose only items of this batch; goes with --items."),
    click.option("--custom-id", help="Choose only items with this name; goes with --items."),
    click.option("--metadata", metavar="NAME=TEXT", help="Choose only jobs with this pair among theirs."),
    click.option("--style", help="Choose only jobs with this style: a name, a number, or the id of a file."),
    click.option("--since", type=Ago(), help="Choose only jobs accepted in this time, such as 90m or 7d."),
    click.option("--until", type=Ago(), help="Choose only jobs accepted longer ago than this, such as 1d."),
)
_LANE_OPTION = click.option(
    "--lane", type=click.Choice(LANES), help="Choose only jobs that are in this lane."
)
_ITEMS_OPTION = click.option(
    "--items/--no-items",
    default=None,
    help="Choose items of batches too, or leave them out. [default: too where --status is failed or expired]",
)


@dataclass(frozen=True, slots=True)
class Choice:
    """The jobs that a command is for."""

    ids: tuple[str, ...]
    by_status: bool  # not named one by one
    as_json: bool
    none: str = ""  # the message where there are no ids


def filter_options(command: Command) -> Command:
    """Give a command the options that filter jobs, those of FILTERS but for the lane."""
    return with_options(*_FILTER_OPTIONS, _ITEMS_OPTION)(command)


def list_options(command: Command) -> Command:
    """Give a command all options that filter jobs."""
    return with_options(_LANE_OPTION, *_FILTER_OPTIONS, _ITEMS_OPTION)(command)


def chosen_options(statuses: Sequence[str], *, items: bool = True) -> Option:
    """Return the options that choose jobs; `statuses` are those in which the move is allowed."""
    which = (
        click.argument("job_ids", nargs=-1, metavar="[ID]..."),
        click.option(
            "--status",
            type=click.Choice(statuses),
            help="Choose jobs of this status in place of ids; it goes with --all.",
        ),
    )
    how = (
        click.option("--all", "everything", is_flag=True, help="Take every job of --status."),
        click.option("--yes", is_flag=True, help="Do not ask before --all."),
        click.option("--json", "as_json", is_flag=True, help="Print a line of JSON for each job."),
    )
    of_items = (_ITEMS_OPTION,) if items else ()
    return with_options(*which, _LANE_OPTION, *_FILTER_OPTIONS, *of_items, *how)


def chosen_filters(options: Mapping[str, Any]) -> dict[str, Any]:
    """Return the filters that the options give; raise UsageError where they choose no jobs."""
    ids, filters = options["job_ids"], {name: options[name] for name in FILTERS if options[name]}
    if bool(ids) == bool(options["status"]) or bool(options["status"]) != options["everything"]:
        raise click.UsageError("name jobs by their ids, or all of a status with --status STATUS --all")
    given = [*filters, *(["items"] if options.get("items") is not None else [])]
    if ids and given:
        raise click.UsageError(f"--{given[0]} goes with --status and --all")
    return filters


def say_nothing_done(options: Mapping[str, Any]) -> str:
    """Return the sentence for a choice without jobs."""
    filters = chosen_filters(options)
    return f"{say_none({'status': options['status'], **filters})[:-1]}, so nothing was done."


def choose(client: Client, verb: str, options: Mapping[str, Any]) -> Choice:
    """Return the jobs that the options name; ask before it is all of a status."""
    filters = chosen_filters(options)
    ids = tuple(dict.fromkeys(options["job_ids"])) or _all_of_status(client, verb, options, filters)
    none = say_nothing_done(options)
    if verb == "retry":
        none = none.replace("No job", "No job that was not retried before", 1)
    return Choice(ids, by_status=bool(options["status"]), as_json=options["as_json"], none=none)


def _all_of_status(
    client: Client, verb: str, options: Mapping[str, Any], filters: Mapping[str, Any]
) -> tuple[str, ...]:
    status = options["status"]
    items = with_items(status, options.get("items", False))
    jobs = list(client.jobs.list(status=status, items=items, **filters))
    if verb == "retry":
        jobs = _not_retried(jobs, status)
    advice = "add --items" if "items" in options else GO_WITH_BATCH
    report_unlisted_items(client, status, items=items, left="left alone", advice=advice)
    if jobs and not options["yes"]:
        of_batches = sum(job.raw.get("batch_id") is not None for job in jobs)
        some = f", {of_batches} of them items of batches" if of_batches else ""
        click.confirm(f"{verb} {len(jobs)} {status} jobs{some}?", abort=True, err=True)
    return tuple(job.id for job in jobs)


def _not_retried(jobs: Sequence[Job], status: str) -> list[Job]:
    """Return the jobs that were not retried before; report how many others there are."""
    fresh = [job for job in jobs if not job.raw.get("retried_as")]
    count = len(jobs) - len(fresh)
    if count:
        what = f"{count} {status} {'job was' if count == 1 else 'jobs were'} retried before and"
        how = f"{'is' if count == 1 else 'are'} left alone: name a job by its id to retry it once more"
        echo(f"{what} {how}", err=True)
    return fresh


def with_items(status: str | None, asked: bool | None) -> bool:
    """Whether a list of this status has items of batches in it."""
    return status in DEAD if asked is None else asked


def report_unlisted_items(client: Client, status: Any, *, items: bool, left: str, advice: str) -> None:
    """Report how many items of batches are left out, if any; `left` and `advice` end the sentence."""
    count = 0 if items else client.jobs.unlisted_items(status=status)
    if count:
        what = f"{count} {status} " if status else f"{count} "
        echo(
            f"{what}{'item' if count == 1 else 'items'} of batches {'is' if count == 1 else 'are'} "
            f"{left}: {advice}",
            err=True,
        )


def say_none(filters: Mapping[str, Any]) -> str:
    """Return the sentence for a list without jobs."""
    given = " ".join(f"--{name.replace('_', '-')} {value}" for name, value in filters.items() if value)
    return f"No job matches {given}." if given else "There are no jobs."


def carry_out_each(
    ctx: click.Context, choice: Choice, move: Callable[[str], Any], say: Callable[[Any], str]
) -> None:
    """Move each job and report the result; exit with 1 where one was refused, with 0 where none was."""
    refused = [job_id for job_id in choice.ids if not _move(job_id, choice, move, say)]
    if not choice.ids:
        echo(choice.none, err=True)
    ctx.exit(EXIT_FAILED if refused else 0)


def _move(job_id: str, choice: Choice, move: Callable[[str], Any], say: Callable[[Any], str]) -> bool:
    try:
        moved = move(job_id)
    except ApiError as error:
        if error.status >= UNAVAILABLE:
            raise
        report_refusal(job_id, error, as_json=choice.as_json)
        return False
    facts = {"job": moved.id, "status": moved.status} if isinstance(moved, Job) else {}
    report(job_id, say(moved), ok=True, as_json=choice.as_json, facts=facts)
    return True
