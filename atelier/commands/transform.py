"""`atelier transform`: a picture through a network from picture to picture."""

from pathlib import Path
from typing import Any

import click

from atelier.client.requests import TransformRequest
from atelier.commands.options.destination import Destination, check_apart
from atelier.commands.options.painting import MAX_SIDE, with_options
from atelier.commands.options.parameters import EXISTING_FILE
from atelier.commands.options.picture_name import stem_of
from atelier.commands.options.results import NOTHING_ASKED, carry_out, encoding, result_options
from atelier.commands.options.service import Target, pass_target
from atelier.lazy_group import interruption


@click.command(short_help="Send a picture through another network.")
@click.argument("picture", type=EXISTING_FILE)
@with_options(*MAX_SIDE)
@result_options
@pass_target
def transform(
    target: Target,
    *,
    picture: Path,
    form: str | None,
    quality: int,
    timeout: float | None,
    output: Destination,
    as_json: bool,
    **options: Any,
) -> None:
    """Send PICTURE through a network of your own: one whose card is of kind transform.

    \b
    atelier transform photo.jpg --model colorizer -o out.png
    """
    check_apart("-o", output.file, picture)
    encoded = encoding(form, quality, output, as_json=as_json)
    with target.client() as client:
        with interruption(NOTHING_ASKED):
            content = client.files.upload(picture)
        request = TransformRequest(content=content, output=encoded, **options)
        stem = stem_of(picture.stem)
        carry_out(client, request, output=output, timeout=timeout, as_json=as_json, stem=stem)
