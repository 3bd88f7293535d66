"""`atelier transform`: a picture through a network from picture to picture."""

from pathlib import Path

import click

from atelier.cli import Target, pass_target
from atelier.client.request_parts import Webhook
from atelier.client.requests import TransformRequest
from atelier.commands.parameters import EXISTING_FILE
from atelier.commands.results import carry_out, encoding, result_options


@click.command(short_help="Send a picture through another network.")
@click.argument("picture", type=EXISTING_FILE)
@click.option(
    "--max-side", type=click.IntRange(min=16), help="Longest side in pixels. [default: the picture's]"
)
@result_options
@pass_target
def transform(
    target: Target,
    *,
    picture: Path,
    max_side: int | None,
    model: str | None,
    form: str | None,
    quality: int,
    cache: bool,
    webhook: Webhook | None,
    timeout: float | None,
    output: Path | None,
    as_json: bool,
) -> None:
    """Send PICTURE through a network of your own: one whose card is of kind transform.

    \b
    atelier transform photo.jpg --model colorizer -o out.png
    """
    with target.client() as client:
        request = TransformRequest(
            content=client.upload(picture),
            max_side=max_side,
            model=model,
            cache=cache,
            webhook=webhook,
            output=encoding(form, quality, output),
        )
        carry_out(client, request, output=output, timeout=timeout, as_json=as_json)
