"""`atelier watch`: follow a job."""

import sys

import click

from atelier.client.client import Client
from atelier.client.job import Job, JobFailed
from atelier.commands.options.destination import Destination, OutputPictures
from atelier.commands.options.results import OUTPUT_HELP, check_room, save, say_how_to_go_on
from atelier.commands.options.service import Target, pass_target
from atelier.display import echo, echo_json
from atelier.display.progress_bar import job_bar, say_state
from atelier.interruption import interruption


@click.command(short_help="Follow a job until it is done.")
@click.argument("job_id")
@click.option(
    "-o",
    "--output",
    type=OutputPictures(),
    metavar="FILE|FOLDER|-",
    help=OUTPUT_HELP,
)
@click.option("--json", "as_json", is_flag=True, help="Print each event as a line of JSON.")
@pass_target
def watch(target: Target, *, job_id: str, output: Destination | None, as_json: bool) -> None:
    """Show the job's progress as it happens. Exits with 1 when it does not succeed."""
    if output:
        check_room(output, as_json=as_json)
    with target.client() as client:
        job = client.jobs.get(job_id)
        with interruption(say_how_to_go_on(job, output)):
            job = _print_events(client, job_id) if as_json else _show(client, job)
        if not job.succeeded:
            raise JobFailed(job)
        if output:
            _save(client, job, output, as_json=as_json)
        elif not as_json:
            echo(f"{job.id} succeeded: {', '.join(output.url for output in job.outputs)}")
            echo(f"`atelier watch {job.id} -o out/` saves what it made.", err=True)


def _save(client: Client, job: Job, output: Destination, *, as_json: bool) -> None:
    check_room(output, count=len(job.outputs))
    for path in save(client, job, output):
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
