"""`atelier stylize`: a photo in the style of one or more pictures."""

from pathlib import Path

import click

from atelier.cli import Target
from atelier.commands.generate import report
from atelier.progress_display import job_bar
from atelier.requests import Encoding, Style, StylizeRequest

FORMATS = {".png": "png", ".jpg": "jpeg", ".jpeg": "jpeg", ".webp": "webp"}

_picture = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(short_help="Paint a photo in the style of a picture.")
@click.argument("photo", type=_picture)
@click.option(
    "--style", "styles", type=_picture, multiple=True, required=True, help="Repeat it to mix styles."
)
@click.option("--weight", "weights", type=float, multiple=True, help="A style's share, in the same order.")
@click.option("--strength", type=float, help="0 gives back the photo, 1 the full style. [default: 1]")
@click.option(
    "--max-side", type=click.IntRange(min=16), help="Longest side in pixels. [default: the photo's]"
)
@click.option("--model", help="A model's name. [default: the service's own]")
@click.option("--timeout", type=float, help="Seconds to wait. [default: until it is done]")
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file (png, jpg, webp), or a folder.")
@click.option("--json", "as_json", is_flag=True, help="Print the finished job as JSON.")
@click.pass_obj
def stylize(
    target: Target,
    *,
    photo: Path,
    styles: tuple[Path, ...],
    weights: tuple[float, ...],
    strength: float | None,
    max_side: int | None,
    model: str | None,
    timeout: float | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Paint PHOTO in the manner of the style pictures.

    \b
    atelier stylize photo.jpg --style painting.jpg -o out.png
    atelier stylize photo.jpg --style a.jpg --style b.jpg --weight 2 --weight 1 -o out.png
    """
    if weights and len(weights) != len(styles):
        raise click.UsageError("give one --weight for each --style, or none")
    with target.client() as client:
        request = StylizeRequest(
            content=client.upload(photo),
            styles=[
                Style(image=client.upload(path), weight=weight)
                for path, weight in zip(styles, weights or [1.0] * len(styles), strict=True)
            ],
            strength=strength,
            max_side=max_side,
            model=model,
            output=_encoding(output),
        )
        with job_bar("stylize") as on_progress:
            job = client.wait(client.submit(request), timeout_seconds=timeout, on_progress=on_progress)
        report(job, client.pictures(job), output, as_json=as_json)


def _encoding(output: Path | None) -> Encoding:
    suffix = output.suffix.lower() if output is not None else ""
    return Encoding(format=FORMATS.get(suffix, "png"))  # type: ignore[arg-type]
