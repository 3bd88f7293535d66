"""What commands that make pictures have in common: their options, how they wait, and what they leave."""

import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from atelier.client.client import Client
from atelier.client.errors import ServiceUnreachable, WaitTimeout
from atelier.client.job import Job
from atelier.client.pictures import Picture
from atelier.client.request_parts import Encoding
from atelier.client.requests import Request
from atelier.commands.options.destination import Destination, OutputPictures
from atelier.commands.options.painting import OF_A_JOB, format_option, lane_option, with_options
from atelier.commands.options.picture_name import picture_name
from atelier.display.job_tables import say_warnings
from atelier.display.plain import echo, echo_json
from atelier.display.progress_bar import job_bar
from atelier.lazy_group import interruption

NOTHING_ASKED = "no job was asked for; the same command begins again"
OUTPUT_HELP = (
    "Write one picture to this file, or any number into this folder, such as out/; - is the standard output."
)

result_options = with_options(
    *OF_A_JOB,
    lane_option("interactive"),
    format_option("Make pictures of this format. [default: by the name after -o, else png]"),
    click.option(
        "-o",
        "--output",
        type=OutputPictures(),
        default=".",
        metavar="FILE|FOLDER|-",
        help=f"{OUTPUT_HELP} [default: this folder]",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the finished job as JSON."),
)  # which model works, and what becomes of its pictures


def encoding(
    form: str | None, quality: int, output: Destination, *, as_json: bool, otherwise: str = "png"
) -> Encoding:
    """Return the encoding that was named, or that the output's name says; raise UsageError."""
    check_room(output, as_json=as_json)
    if form and output.format and form != output.format:
        raise click.UsageError(f"-o {output.named} says {output.format}, and --format says {form}")
    return Encoding(format=form or output.format or otherwise, quality=quality)  # type: ignore[arg-type]


def check_room(output: Destination, *, as_json: bool = False, count: int = 1) -> None:
    """Raise UsageError where so many pictures, and the job as JSON, cannot go where they are to go."""
    if as_json and output.kind == "stdout":
        raise click.UsageError("-o - and --json both write to the standard output; give one of them")
    if count != 1 and output.kind != "folder":
        place = "the standard output" if output.kind == "stdout" else output.named
        raise click.UsageError(
            f"{place} takes one picture, and there are several; name a folder, such as -o out/"
        )


def carry_out(
    client: Client,
    request: Request,
    *,
    output: Destination,
    timeout: float | None,
    as_json: bool,
    stem: str = "",
    on_news: Callable[[Job], None] | None = None,
) -> None:
    """Submit, wait with a bar, save the pictures, and print their paths or the job as JSON."""
    with job_bar(request.type) as show:

        def tell(job: Job) -> None:
            show(job)
            if on_news is not None:
                on_news(job)

        with interruption("`atelier jobs list` says whether the service has taken a job"):
            job = client.submit(request)
        with interruption(say_how_to_go_on(job, output)):
            job = _waited(client, job, output, timeout_seconds=timeout, on_progress=tell)
    paths = save(client, job, output, stem=stem)
    if as_json:
        echo_json({**job.raw, "files": [str(path) for path in paths]})
        return
    for path in paths:
        echo(path)


def _waited(client: Client, job: Job, output: Destination, **options: Any) -> Job:
    """Return the finished job; an error that leaves it unfinished also says how to go on."""
    try:
        return client.wait(job, **options)
    except WaitTimeout as error:
        error.add_note(_ways_on(job, output))
        raise
    except ServiceUnreachable as error:
        error.add_note(f"once the service answers, {_ways_on(job, output)}")
        raise


def say_how_to_go_on(job: Job, output: Destination | None) -> str:
    """Return what goes on without the command, and which commands take it up."""
    return f"{job.id} goes on: {_ways_on(job, output)}"


def _ways_on(job: Job, output: Destination | None) -> str:
    named = f" -o {shlex.quote(output.named)}" if output else ""
    return f"`atelier watch {job.id}{named}` takes it up, `atelier jobs cancel {job.id}` withdraws it"


def save(client: Client, job: Job, output: Destination, *, stem: str = "") -> list[Path]:
    """Write a job's pictures, and return the paths of the files; raise JobFailed where it made none."""
    named = shlex.quote(output.named)
    with interruption(f"{job.id} is done: `atelier watch {job.id} -o {named}` saves what it made"):
        pictures = client.pictures(job)
        for warning in say_warnings(job.warnings):
            echo(f"warning: {warning}", err=True)
        if output.kind == "stdout":
            sys.stdout.buffer.write(pictures[0].data)
            return []
        return [picture.save(_place(picture, output, stem)) for picture in pictures]


def _place(picture: Picture, output: Destination, stem: str) -> Path:
    """Return where a picture goes: the file that was named, else a name of its own in the folder."""
    if output.kind == "file":
        return output.path
    return output.path / picture_name(picture.job, picture.output, stem)
