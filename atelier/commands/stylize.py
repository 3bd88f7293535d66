"""`atelier stylize`: a photo in the manner of styles; `atelier transform`: through another network."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from atelier.client.client import Client
from atelier.client.downloads import write_whole
from atelier.client.job import Job
from atelier.client.request_parts import Style
from atelier.client.requests import StylizeRequest, TransformRequest
from atelier.commands.options.destination import JPEG_SUFFIXES, Destination, OutputFile, check_apart
from atelier.commands.options.painting import (
    MAX_SIDE,
    OF_CONTENT,
    check_weights,
    optimization,
    painting,
    with_options,
)
from atelier.commands.options.parameters import Number, weighted_styles
from atelier.commands.options.pictures import PICTURE, Address, sent
from atelier.commands.options.results import NOTHING_ASKED, carry_out, encoding, result_options, stem_of
from atelier.commands.options.service import Target, pass_target
from atelier.commands.options.style_choice import check_styles, style_option
from atelier.lazy_group import interruption

PREVIEW_EVERY = 20  # steps, with --preview and without --preview-every


@click.command(short_help="Paint a photo in the style of a picture.")
@click.argument("photo", type=PICTURE)
@style_option(
    "Paint in the style of a picture, a stored style's name or a built-in style's number. "
    "Repeat it to mix styles. Needed unless the --recipe has a style."
)
@click.option(
    "--strength",
    type=Number(),
    help="Use so much of the style: 0 gives back the photo, 1 is all of it. [default: 1]",
)
@with_options(*painting(PICTURE), *MAX_SIDE, *OF_CONTENT)
@click.option(
    "--preview-every", type=int, help="Make a preview after so many steps. [default: 20 with --preview]"
)
@click.option(
    "--preview",
    type=OutputFile(JPEG_SUFFIXES),
    help="Keep the latest preview in this jpg file while the job runs.",
)
@result_options
@pass_target
def stylize(
    target: Target,
    /,
    *,
    photo: Path | Address,
    styles: tuple[Path | Style | Address, ...],
    weights: tuple[float, ...],
    mask: Path | Address | None,
    preview: Path | None,
    output: Destination,
    timeout: float | None,
    as_json: bool,
    dry_run: bool,
    sidecar: bool,
    **options: Any,
) -> None:
    """Paint PHOTO in the manner of the styles. An animated gif or webp gives an animation.

    A picture is a file, or an address that begins with https:// or http://, which the service fetches, or
    job:ID, the picture that another job makes, which is waited for (job:ID/2 is its third one).

    \b
    atelier stylize photo.jpg --style painting.jpg -o out.png
    atelier stylize photo.jpg --style a.jpg --style waves \\
        --weight 2 --weight 1 -o out.png
    atelier stylize photo.jpg --model multistyle-26 \\
        --style 19 -o out.jpg
    atelier stylize photo.jpg --model nst-gatys --style a.jpg \\
        --preview so-far.jpg -o out.png
    """
    if not styles and not options["recipe"]:
        raise click.UsageError("Missing option '--style'. Or give a --recipe that has one.")
    check_weights(weights, styles)
    check_apart("-o", output.file, photo, mask, *styles)
    check_apart("--preview", preview, photo, mask, *styles)
    if output.file is not None:
        check_apart("--preview", preview, output.file)
    previews = {} if preview is None else {"preview_every": PREVIEW_EVERY}
    options["output"] = encoding(options, output, as_json=as_json)
    options["optimize"] = optimization(options, **previews)
    with target.client() as client:
        with interruption(NOTHING_ASKED):
            check_styles(client, styles, options["model"])
            # Before the photo: a broken style is reported before anything else is sent.
            known = weighted_styles(client, styles, weights, dry_run=dry_run)
            painted = None if mask is None else sent(client, mask, dry_run=dry_run)
            content = sent(client, photo, dry_run=dry_run)
            request = StylizeRequest(content=content, styles=known, mask=painted, **options)
        wait: dict[str, Any] = {"timeout": timeout, "as_json": as_json, "dry_run": dry_run}
        wait["sidecar"], wait["stem"] = sidecar, stem_of(photo.stem, styles)
        on_progress = None if preview is None else _keeper(client, preview)
        carry_out(client, request, output=output, on_progress=on_progress, **wait)


def _keeper(client: Client, path: Path) -> Callable[[Job], None]:
    """Return what writes a job's previews into one file, each over the last."""
    seen: set[str] = set()

    def keep(job: Job) -> None:
        url = job.progress.preview_url if job.progress else None
        shown = client.jobs.preview(job) if url and url not in seen else None
        if url and shown is not None:
            seen.add(url)
            write_whole(path, shown)

    return keep


@click.command(short_help="Send a picture through another network.")
@click.argument("picture", type=PICTURE)
@with_options(*MAX_SIDE, *OF_CONTENT)
@result_options
@pass_target
def transform(
    target: Target,
    *,
    picture: Path | Address,
    timeout: float | None,
    output: Destination,
    as_json: bool,
    dry_run: bool,
    sidecar: bool,
    **options: Any,
) -> None:
    """Send PICTURE through a network from picture to picture: one that enlarges, or one of your own.

    PICTURE is a file, or an address that begins with https:// or http://, which the service fetches, or
    job:ID, the picture that another job makes, which is waited for.

    \b
    atelier transform photo.jpg --model enlarge-x4 -o large.png
    atelier transform photo.jpg --model colorizer -o out.png
    """
    check_apart("-o", output.file, picture)
    encoded = encoding(options, output, as_json=as_json)
    with target.client() as client:
        with interruption(NOTHING_ASKED):
            content = sent(client, picture, dry_run=dry_run)
        request = TransformRequest(content=content, output=encoded, **options)
        stem = stem_of(picture.stem)
        wait: dict[str, Any] = {"timeout": timeout, "as_json": as_json, "dry_run": dry_run}
        wait["sidecar"] = sidecar
        carry_out(client, request, output=output, stem=stem, **wait)
