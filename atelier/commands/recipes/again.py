"""`atelier again`: the same style and settings for another photo, by the recipe that rides in a picture."""

from functools import partial
from pathlib import Path
from typing import Any

import click

from atelier.client.request_parts import Style
from atelier.commands.options.destination import Destination, check_apart
from atelier.commands.options.painting import check_weights, format_option, given, timeout_option
from atelier.commands.options.parameters import EXISTING_FILE, Number, weighted_styles
from atelier.commands.options.pictures import PICTURE, Address, sent
from atelier.commands.options.results import (
    NOTHING_ASKED,
    check_room,
    follow,
    json_option,
    output_option,
    sidecar_option,
    stem_of,
)
from atelier.commands.options.service import Target, pass_target
from atelier.commands.options.style_choice import check_styles, style_option
from atelier.lazy_group import interruption


@click.command(short_help="Make a picture's style and settings again.")
@click.argument("picture", type=EXISTING_FILE)
@click.option("--content", type=PICTURE, help="Paint this photo. [default: what the recipe names]")
@style_option("Paint in this style in place of the recipe's. Repeat it to mix styles.")
@click.option(
    "--weight", "weights", type=Number(), multiple=True, help="Give a style this share, in their order."
)
@click.option("--seed", type=int, help="Begin with this seed in place of the recipe's.")
@format_option("Make pictures of this format. [default: by the name after -o, else the recipe's]")
@timeout_option
@output_option
@sidecar_option
@json_option
@pass_target
def again(
    target: Target,
    /,
    *,
    picture: Path,
    content: Path | Address | None,
    styles: tuple[Path | Style | Address, ...],
    weights: tuple[float, ...],
    form: str | None,
    seed: int | None,
    output: Destination,
    as_json: bool,
    **how: Any,
) -> None:
    """Do again what PICTURE says that was done: its style and settings for another photo.

    PICTURE is one that Atelier made and that holds its recipe, or the JSON that --sidecar wrote beside one.

    \b
    atelier again painted.jpg --content other.jpg -o out.jpg
    atelier again seven.png --seed 8 -o eight.png
    atelier again painted.jpg.json -o the-same.jpg
    """
    check_weights(weights, styles)
    check_room(output, as_json=as_json)
    check_apart("-o", output.file, picture, content, *styles)
    options = given(seed=seed, format=form or output.format)
    with target.client() as client:
        with interruption(NOTHING_ASKED):
            check_styles(client, styles, None)
            known = weighted_styles(client, styles, weights)
            photo = None if content is None else sent(client, content)
        create = partial(client.jobs.again, picture, content=photo, styles=known, options=options)
        stem = "" if content is None else stem_of(content.stem)
        follow(client, create, "again", output=output, stem=stem, as_json=as_json, **how)
