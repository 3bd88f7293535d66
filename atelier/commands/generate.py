"""`atelier generate`: digits from seeds."""

import json
from pathlib import Path

import click

from atelier.cli import Target
from atelier.downloads import file_name
from atelier.job_view import Job
from atelier.pictures import Picture
from atelier.progress_display import job_bar
from atelier.requests import Encoding, GenerateRequest, Grid


@click.command(short_help="Make digits from seeds.")
@click.option("--seed", type=click.IntRange(min=0), help="First seed. [default: drawn by the service]")
@click.option("--count", type=click.IntRange(min=1), help="How many pictures. [default: 1]")
@click.option("--digit", type=click.IntRange(min=0), help="Which digit. [default: drawn from the seed]")
@click.option("--truncation", type=float, help="Below 1: less variety, cleaner digits.")
@click.option("--columns", type=click.IntRange(min=1), help="Put all pictures into one, this many a row.")
@click.option("--model", help="A model's name. [default: the service's own]")
@click.option(
    "--format", "form", type=click.Choice(["png", "jpeg", "webp"]), default="png", show_default=True
)
@click.option("--timeout", type=float, help="Seconds to wait. [default: until it is done]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file for one picture, or a folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the finished job as JSON.")
@click.pass_obj
def generate(
    target: Target,
    *,
    seed: int | None,
    count: int | None,
    digit: int | None,
    truncation: float | None,
    columns: int | None,
    model: str | None,
    form: str,
    timeout: float | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Make pictures of handwritten digits. The same seed gives the same picture.

    \b
    atelier generate --seed 7 -o seven.png
    atelier generate --count 64 --columns 8 -o grid.png
    """
    request = GenerateRequest(
        seed=seed,
        count=count,
        digit=digit,
        truncation=truncation,
        model=model,
        grid=Grid(columns=columns) if columns else None,
        output=Encoding(format=form),  # type: ignore[arg-type]  # click has checked it
    )
    with target.client() as client:
        with job_bar("generate") as on_progress:
            job = client.wait(client.submit(request), timeout_seconds=timeout, on_progress=on_progress)
        report(job, client.pictures(job), output, as_json=as_json)


def report(job: Job, pictures: tuple[Picture, ...], output: Path | None, *, as_json: bool) -> None:
    """Save the pictures and print their paths, or the job as JSON."""
    paths = [picture.save(place(picture, len(pictures), output)) for picture in pictures]
    if as_json:
        click.echo(json.dumps({**job.raw, "files": [str(path) for path in paths]}))
        return
    for path in paths:
        click.echo(path)


def place(picture: Picture, count: int, output: Path | None) -> Path:
    """Return where a picture goes: the file that was named, else a name of its own in the folder."""
    if output is not None and count == 1 and not output.is_dir() and output.suffix:
        return output
    return (output or Path()) / file_name(picture.job, picture.output)
