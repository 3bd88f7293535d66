"""The options of `atelier batch`."""

import math
import re
from pathlib import Path

import click

from atelier.commands.options.brake import BRAKE
from atelier.commands.options.destination import OutputFolder
from atelier.commands.options.painting import (
    MAX_SIDE,
    OF_A_JOB,
    OF_CONTENT,
    format_option,
    lane_option,
    painting,
    with_options,
)
from atelier.commands.options.parameters import EXISTING_FILE, complete_files
from atelier.commands.options.style_choice import read_style

_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
MOST_NUMBERS = 1024


def read_numbers(text: str) -> tuple[int, ...]:
    """Return the numbers of a list of numbers and ranges: 0-3,7."""
    numbers: list[int] = []
    for part in text.split(","):
        found = _RANGE.fullmatch(part.strip())
        if found is None or len(part) > 10:
            raise click.BadParameter(f"{part!r} is no number and no range, such as 0-25")
        first, last = int(found[1]), int(found[2] or found[1])
        if last < first or last - first >= MOST_NUMBERS:
            raise click.BadParameter(f"{part!r} is no range of at most {MOST_NUMBERS} numbers")
        numbers += range(first, last + 1)
    return tuple(dict.fromkeys(numbers))


def read_place(text: str) -> tuple[str, str]:
    """Return the place and the folder of PLACE:folder/."""
    name, _, folder = text.partition(":")
    if not name:
        raise click.BadParameter(f"{text!r} is no place: write PLACE or PLACE:folder/")
    return name, folder


def read_strengths(text: str) -> tuple[float, ...]:
    """Return the strengths of a list separated by commas."""
    try:
        strengths = tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of numbers, such as 0.6,1") from error
    if not all(map(math.isfinite, strengths)):
        raise click.BadParameter(f"{text!r} has a number that is not finite")
    return strengths


batch_options = with_options(
    click.argument(
        "sources", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[FOLDER|FILE]..."
    ),
    click.option(
        "-o",
        "--output",
        type=OutputFolder(),
        help="Write the pictures into this folder; needed without --to and --from.",
    ),
    click.option(
        "--from",
        "from_place",
        type=read_place,
        metavar="PLACE[:FOLDER/]",
        help="Take the pictures of a place that the service knows, by `atelier places`, and read none here.",
    ),
    click.option(
        "--to",
        "to_place",
        type=read_place,
        metavar="PLACE[:FOLDER/]",
        help="Put the results at a place that the service knows, and write none here.",
    ),
    click.option("--match", metavar="'*.jpg'", help="Take these pictures of the place alone. [default: all]"),
    click.option(
        "--style",
        "styles",
        type=read_style,
        metavar="FILE|NAME|NUMBER",
        multiple=True,
        shell_complete=complete_files,
        help="Paint in the style of a picture, a stored style's name or a built-in style's number. "
        "Each makes a picture; with --weight all of them are mixed in one.",
    ),
    click.option(
        "--styles",
        "numbers",
        type=read_numbers,
        metavar="0-25",
        help="Paint in these built-in styles, by number.",
    ),
    click.option(
        "--strength",
        "strengths",
        type=read_strengths,
        metavar="0.6,1",
        help="Use so much of the style; each number makes a picture.",
    ),
    *painting(EXISTING_FILE),
    *MAX_SIDE,
    *OF_CONTENT,
    *OF_A_JOB,
    lane_option("bulk"),
    format_option(
        "Write pictures of this format. [default: the photo's own; jpeg for heic, avif; png for bmp, tiff]"
    ),
    *BRAKE,
    click.option("--name", "pattern", help="Name the pictures so, such as '{style}/{folder}/{stem}'."),
    click.option(
        "--connections",
        type=click.IntRange(1, 32),
        default=4,
        show_default=True,
        help="Send so many photos at once.",
    ),
    click.option(
        "--watch", is_flag=True, help="Go on until Ctrl-C, and paint new and changed photos as they come."
    ),
    click.option(
        "--retry-failed", "retry", is_flag=True, help="Try the photos again that failed in earlier runs."
    ),
    click.option(
        "--new", "replace", is_flag=True, help="Use these options in a folder that was made with others."
    ),
    click.option(
        "--jsonl", type=EXISTING_FILE, help="Send the lines of this file as items, in place of photos."
    ),
    click.option(
        "--template", type=EXISTING_FILE, help="Send the template in this file, in place of photos."
    ),
    click.option(
        "--sample",
        type=click.IntRange(1, 400),
        metavar="N",
        help="Make N pictures, then pause the batch and say how to look at them and how to go on.",
    ),
    click.option(
        "--dry-run",
        "dry_run",
        is_flag=True,
        help="Say what would be made and what it takes, and ask for no job. Of photos it sends one of each "
        "size, for the service to look at.",
    ),
    click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON."),
)
