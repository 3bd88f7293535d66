"""What commands that make pictures have in common: their options, how they wait, and what they leave."""

import json
from collections.abc import Callable
from pathlib import Path

import click

from atelier.client.client import Client
from atelier.client.downloads import file_name
from atelier.client.job import Job
from atelier.client.pictures import Picture
from atelier.client.request_parts import Encoding
from atelier.client.requests import Request
from atelier.commands.options.painting import OF_A_JOB, lane_option, with_options
from atelier.progress_display import job_bar

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp", ".gif": "gif"}

result_options = with_options(
    *OF_A_JOB,
    lane_option("interactive"),
    click.option(
        "--format",
        "form",
        type=click.Choice(list(dict.fromkeys(FORMATS.values()))),
        help="[default: by the name after -o, else png]",
    ),
    click.option(
        "-o", "--output", type=click.Path(path_type=Path), help="A file for one picture, or a folder."
    ),
    click.option("--json", "as_json", is_flag=True, help="Print the finished job as JSON."),
)  # which model works, and what becomes of its pictures


def encoding(form: str | None, quality: int, output: Path | None, *, otherwise: str = "png") -> Encoding:
    """Return the encoding that was named, or that the output's name says."""
    suffix = output.suffix.lower() if output is not None else ""
    return Encoding(format=form or FORMATS.get(suffix, otherwise), quality=quality)  # type: ignore[arg-type]


def carry_out(
    client: Client,
    request: Request,
    *,
    output: Path | None,
    timeout: float | None,
    as_json: bool,
    on_news: Callable[[Job], None] | None = None,
) -> None:
    """Submit, wait with a bar, save the pictures, and print their paths or the job as JSON."""
    with job_bar(request.type) as show:

        def tell(job: Job) -> None:
            show(job)
            if on_news is not None:
                on_news(job)

        job = client.wait(client.submit(request), timeout_seconds=timeout, on_progress=tell)
    _report(job, client.pictures(job), output, as_json=as_json)


def _report(job: Job, pictures: tuple[Picture, ...], output: Path | None, *, as_json: bool) -> None:
    paths = [picture.save(_place(picture, len(pictures), output)) for picture in pictures]
    if as_json:
        click.echo(json.dumps({**job.raw, "files": [str(path) for path in paths]}))
        return
    for path in paths:
        click.echo(path)


def _place(picture: Picture, count: int, output: Path | None) -> Path:
    """Return where a picture goes: the file that was named, else a name of its own in the folder."""
    if output is not None and count == 1 and not output.is_dir() and output.suffix:
        return output
    return (output or Path()) / file_name(picture.job, picture.output)
