"""`atelier jobs`: what happened to jobs, and what an operator can do with them; `atelier watch`."""

import sys
from collections.abc import Iterator
from dataclasses import asdict
from datetime import datetime
from itertools import islice
from typing import Any

import click

from atelier.client.client import Client
from atelier.client.job import Job, JobFailed, Status
from atelier.commands.options.bulk_action import act_on_all
from atelier.commands.options.destination import Destination, OutputPictures
from atelier.commands.options.fields import fields_option, json_fields
from atelier.commands.options.job_selection import (
    carry_out_each,
    choose,
    chosen_options,
    list_options,
    report_unlisted_items,
    say_none,
    with_items,
)
from atelier.commands.options.places import move_each, place_options
from atelier.commands.options.results import (
    OUTPUT_HELP,
    check_room,
    check_sidecar,
    save,
    say_how_to_go_on,
    sidecar_option,
)
from atelier.commands.options.service import Target, pass_target, url_option
from atelier.commands.options.times import Ago
from atelier.display import echo, echo_json
from atelier.display.job_tables import failure_table, job_page, job_table
from atelier.display.progress_bar import job_bar, say_state
from atelier.display.time_format import say_moment
from atelier.lazy_group import interruption

STATUSES = ("queued", "running", "succeeded", "failed", "canceled", "expired")
UNFINISHED, FINISHED, UNSUCCESSFUL = STATUSES[:2], STATUSES[2:], STATUSES[3:]


@click.group(short_help="List jobs, look into one, try again, cancel, delete.")
@url_option
def jobs() -> None:
    """See what happened to jobs, and do something about it.

    \b
    atelier jobs list --status failed
    atelier jobs show job_019a...
    """


@jobs.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="List only jobs of this status.")
@list_options
@click.option(
    "--limit", type=click.IntRange(min=1), default=20, show_default=True, help="List at most so many jobs."
)
@click.option("--all", "everything", is_flag=True, help="List every job, whatever --limit says.")
@click.option("--json", "as_json", is_flag=True, help="Print each job as a line of JSON.")
@fields_option
@pass_target
def list_jobs(
    target: Target,
    /,
    *,
    status: Status | None,
    limit: int,
    everything: bool,
    as_json: bool,
    fields: str,
    items: bool | None,
    **filters: Any,
) -> None:
    """Show jobs, newest first, and why they failed; failed and expired items of batches among them.

    \b
    atelier jobs list --status failed --since 7d
    atelier jobs list --all --json --fields id,status
    """
    listed = with_items(status, items)
    asked: dict[str, Any] = {"status": status, "items": listed, **filters}
    names = json_fields(fields, as_json=as_json)
    with target.client() as client:
        found: Iterator[Any] = client.jobs.list_fields(names, **asked) if names else client.jobs.list(**asked)
        shown = list(found if everything else islice(found, limit))
        more = not everything and next(found, None) is not None
        if as_json:
            for job in shown:
                echo_json(job if names else job.raw)
        elif shown:
            job_table(shown).print()
        if not shown:
            echo(say_none({"status": status, **filters}), err=True)
        if more:
            echo(f"there are more than {limit}: --limit, or --all", err=True)
        report_unlisted_items(client, status, items=listed, left="not listed", advice="add --items")


@jobs.command()
@click.option(
    "--since",
    type=Ago(),
    default="24h",
    show_default=True,
    help="Begin so long ago, such as 90m or 7d, at the full hour before; 31 days at most.",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def failures(target: Target, /, *, since: datetime, as_json: bool) -> None:
    """Show how jobs and items of batches failed, by code, and what to do about it.

    \b
    atelier jobs failures --since 7d
    """
    with target.client() as client:
        found = client.stats.failures(since=since)
    if as_json:
        for failure in found:
            echo_json(asdict(failure))
    elif found:
        failure_table(found).print()
    else:
        echo(f"No job failed since {say_moment(since)}.", err=True)


@jobs.command()
@click.argument("job_id")
@click.option("--json", "as_json", is_flag=True, help="Print the job as JSON.")
@pass_target
def show(target: Target, *, job_id: str, as_json: bool) -> None:
    """Show a job: its error, outputs and times, and what happened to it.

    \b
    atelier jobs show job_019a...
    """
    with target.client() as client:
        job = client.jobs.get(job_id)
    if as_json:
        echo_json(job.raw)
    else:
        job_page(job).print()


def _client(ctx: click.Context) -> Client:
    target: Target = ctx.obj
    return target.client()


@jobs.command(short_help="Submit failed jobs again, as new jobs.")
@chosen_options(UNSUCCESSFUL)
@url_option
@click.pass_context
def retry(ctx: click.Context, /, **chosen: object) -> None:
    """Submit jobs again that failed, were canceled or expired. Each makes a new job with the same input.

    Items of batches go again in their place, so that the batch counts them. --status and --all leave out jobs
    that were retried before; a retry that failed too is a job like any other, and is retried.

    \b
    atelier jobs retry job_019a...
    atelier jobs retry --status failed --all --since 1d
    """
    with _client(ctx) as client:
        choice = choose(client, "retry", chosen)

        def again(job_id: str) -> Job:
            key = f"retry-{job_id}" if choice.by_status else None
            return client.jobs.retry(job_id, idempotency_key=key)

        carry_out_each(ctx, choice, again, lambda job: f"again as {job.id}")


@jobs.command(short_help="Let running or waiting jobs start again at once.")
@chosen_options(UNFINISHED)
@url_option
@click.pass_context
def requeue(ctx: click.Context, /, **chosen: object) -> None:
    """Take running jobs from their workers and queue them again; end the pause of jobs that wait for one.

    The attempt is not counted.

    \b
    atelier jobs requeue job_019a...
    atelier jobs requeue --status running --all --worker gpu-1
    """
    with _client(ctx) as client:
        choice = choose(client, "requeue", chosen)
        carry_out_each(ctx, choice, client.jobs.requeue, lambda job: "queued")


@jobs.command(short_help="Move waiting jobs: to the front, the back, another lane.")
@place_options("jobs")
@url_option
@click.pass_context
def move(ctx: click.Context, /, **options: Any) -> None:
    """Move waiting jobs to the front or the back of their owner's queue, or into the other lane, or both.

    Other owners have their turns as before.

    \b
    atelier jobs move job_019a... --to front
    atelier jobs move job_019a... --lane bulk
    """
    with _client(ctx) as client:
        move_each(ctx, client.jobs, client.jobs.move, options)


@jobs.command(short_help="Withdraw queued or running jobs.")
@chosen_options(UNFINISHED)
@url_option
@click.pass_context
def cancel(ctx: click.Context, /, **chosen: object) -> None:
    """Withdraw jobs that are queued or running.

    All of a status are withdrawn by a bulk action of the service, which goes on if the command is stopped.

    \b
    atelier jobs cancel job_019a...
    atelier jobs cancel --status queued --all --type stylize
    """
    with _client(ctx) as client:
        if chosen["status"]:
            act_on_all(ctx, client, "cancel", chosen)
        else:
            choice = choose(client, "cancel", chosen)
            carry_out_each(ctx, choice, client.jobs.cancel, lambda job: "canceled")


@jobs.command(short_help="Keep finished jobs until they are unpinned.")
@chosen_options(FINISHED, items=False)
@url_option
@click.pass_context
def pin(ctx: click.Context, /, **chosen: object) -> None:
    """Keep jobs and their pictures until they are unpinned or deleted: they do not expire.

    \b
    atelier jobs pin job_019a...
    """
    with _client(ctx) as client:
        choice = choose(client, "pin", chosen)
        carry_out_each(ctx, choice, client.jobs.pin, lambda _: "pinned")


@jobs.command(short_help="Let pinned jobs expire again.")
@chosen_options(FINISHED, items=False)
@url_option
@click.pass_context
def unpin(ctx: click.Context, /, **chosen: object) -> None:
    """Let jobs expire again: the time to live of those that are done begins now.

    \b
    atelier jobs unpin job_019a...
    """
    with _client(ctx) as client:
        choice = choose(client, "unpin", chosen)
        carry_out_each(ctx, choice, client.jobs.unpin, lambda _: "unpinned")


@jobs.command(short_help="Forget finished jobs and their pictures.")
@chosen_options(FINISHED, items=False)
@url_option
@click.pass_context
def delete(ctx: click.Context, /, **chosen: object) -> None:
    """Forget jobs that are done, with their pictures, before their time is over.

    All of a status are forgotten by a bulk action of the service, which goes on if the command is stopped.

    \b
    atelier jobs delete job_019a...
    atelier jobs delete --status failed --all --until 7d --yes
    """
    with _client(ctx) as client:
        if chosen["status"]:
            act_on_all(ctx, client, "delete", chosen)
        else:
            choice = choose(client, "delete", chosen)
            carry_out_each(ctx, choice, client.jobs.delete, lambda _: "deleted")


@click.command(short_help="Follow a job until it is done.")
@click.argument("job_id")
@click.option(
    "-o",
    "--output",
    type=OutputPictures(),
    metavar="FILE|FOLDER|-",
    help=OUTPUT_HELP,
)
@sidecar_option
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
@pass_target
def watch(target: Target, *, job_id: str, output: Destination | None, sidecar: bool, as_json: bool) -> None:
    """Show the job's progress as it happens. Exits with 1 when it does not succeed.

    \b
    atelier watch job_019a...
    atelier watch job_019a... -o out.png
    """
    check_sidecar(output, is_wanted=sidecar)
    if output:
        check_room(output, as_json=as_json)
    with target.client() as client:
        job = client.jobs.get(job_id)
        with interruption(say_how_to_go_on(job, output)):
            job = _print_events(client, job_id) if as_json else _show(client, job)
        if not job.succeeded:
            raise JobFailed(job)
        if output:
            _save(client, job, output, as_json=as_json, sidecar=sidecar)
        elif not as_json:
            echo(f"{job.id} succeeded: {', '.join(output.url for output in job.outputs)}")
            echo(f"`atelier watch {job.id} -o out/` saves what it made.", err=True)


def _save(client: Client, job: Job, output: Destination, *, as_json: bool, sidecar: bool) -> None:
    check_room(output, count=len(job.outputs))
    for path in save(client, job, output, sidecar=sidecar):
        echo(path, err=as_json)


def _show(client: Client, job: Job) -> Job:
    """Draw a bar on a terminal; elsewhere write a line for each change of the state."""
    if sys.stderr.isatty():
        with job_bar(job.id) as on_progress:
            return client.jobs.wait(job, on_progress=on_progress)
    last = ""
    for _ in () if job.done else client.jobs.events(job):
        job = client.jobs.get(job.id)
        if not job.done and say_state(job) != last:
            last = say_state(job)
            echo(last, err=True)
    return job


def _print_events(client: Client, job_id: str) -> Job:
    for event in client.jobs.events(job_id):
        echo_json({"id": event.id, "event": event.kind, "data": dict(event.data)})
    return client.jobs.get(job_id)
