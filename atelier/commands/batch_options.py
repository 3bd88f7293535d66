"""The options of `atelier batch`, and what they mean together."""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click

from atelier.client.pictures import id_of
from atelier.client.request_parts import Encoding, Style
from atelier.commands.parameters import EXISTING_FILE, read_style
from atelier.commands.results import FORMATS
from atelier.folder_batch.names import BadPattern, check_pattern, default_pattern, labels_of
from atelier.folder_batch.recipe import LabeledStyle, Recipe

Command = Callable[..., None]
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


def read_strengths(text: str) -> tuple[float, ...]:
    """Return the strengths of a list separated by commas."""
    try:
        return tuple(dict.fromkeys(float(part) for part in text.split(",")))
    except ValueError as error:
        raise click.BadParameter(f"{text!r} is no list of numbers, such as 0.6,1") from error


_OPTIONS = (
    click.argument(
        "sources", nargs=-1, type=click.Path(exists=True, path_type=Path), metavar="[FOLDER|FILE]..."
    ),
    click.option(
        "-o", "--output", type=click.Path(file_okay=False, path_type=Path), required=True, help="A folder."
    ),
    click.option(
        "--style",
        "styles",
        type=read_style,
        metavar="FILE|NAME|NUMBER",
        multiple=True,
        help="A picture, a stored style's name, or a built-in style's number. Each one makes a picture.",
    ),
    click.option("--styles", "numbers", type=read_numbers, metavar="0-25", help="Built-in styles by number."),
    click.option(
        "--strength", "strengths", type=read_strengths, metavar="0.6,1", help="Each one makes a picture."
    ),
    click.option("--model", help="A model's name. [default: the service's own]"),
    click.option(
        "--max-side", type=click.IntRange(min=16), help="Longest side in pixels. [default: the photo's]"
    ),
    click.option("--preserve-color", is_flag=True, help="Paint in the photo's own colors."),
    click.option(
        "--format",
        "form",
        type=click.Choice(list(dict.fromkeys(FORMATS.values()))),
        default="png",
        show_default=True,
        help="Of the pictures.",
    ),
    click.option(
        "--quality", type=click.IntRange(1, 100), default=90, show_default=True, help="For jpeg and webp."
    ),
    click.option("--name", "pattern", help="Names of the pictures, such as '{style}/{folder}/{stem}'."),
    click.option("--cache", is_flag=True, help="Take over results of equal jobs."),
    click.option("--connections", type=click.IntRange(1, 32), default=4, show_default=True, help="At once."),
    click.option("--watch", is_flag=True, help="Keep on: new and changed photos are done as they come."),
    click.option("--retry-failed", "retry", is_flag=True, help="Try what failed in earlier runs again."),
    click.option(
        "--new", "anew", is_flag=True, help="Go on with these options in a folder made with others."
    ),
    click.option("--jsonl", type=EXISTING_FILE, help="Send this file's lines as items; no photos then."),
    click.option("--template", type=EXISTING_FILE, help="Send this file's template; no photos then."),
    click.option("--json", "as_json", is_flag=True, help="Print what came of it as JSON."),
)


def batch_options(command: Command) -> Command:
    """Give the command its options."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


@dataclass(frozen=True, slots=True)
class Order:
    """What a folder is to become."""

    sources: tuple[Path, ...]
    recipe: Recipe
    pattern: str
    style_files: tuple[bytes, ...]

    @property
    def told(self) -> dict[str, str]:
        """The options as text, by name: what decides whether a run is the same as an earlier one."""
        told: dict[str, str] = {"photos": ", ".join(str(path.resolve()) for path in self.sources)}
        for name, value in (*self.recipe.told(), ("name", self.pattern)):
            told[name] = f"{told[name]}, {value}" if name in told else value
        return told


def read_order(options: dict[str, Any]) -> Order:
    """Return what the options ask for; raise UsageError."""
    if not options["sources"]:
        raise click.UsageError("name a folder of photos, or photos")
    styles, files = _styles(options["styles"], options["numbers"] or ())
    if not styles and not options["model"]:
        raise click.UsageError("name styles by --style or --styles, or a model that takes none by --model")
    recipe = Recipe(
        styles=styles,
        strengths=options["strengths"] or (None,),
        model=options["model"],
        max_side=options["max_side"],
        preserve_color=options["preserve_color"],
        output=Encoding(format=options["form"], quality=options["quality"]),
    )
    try:
        pattern = check_pattern(options["pattern"] or default_pattern(recipe), recipe)
    except BadPattern as error:
        raise click.BadParameter(str(error), param_hint="--name") from error
    return Order(options["sources"], recipe, pattern, files)


def _styles(
    given: tuple[Path | Style, ...], numbers: tuple[int, ...]
) -> tuple[tuple[LabeledStyle, ...], tuple[bytes, ...]]:
    """Return the styles with their labels, and the bytes of those that are files here."""
    read = [path.read_bytes() if isinstance(path, Path) else b"" for path in given]
    known = [
        Style(image=id_of(data)) if isinstance(choice, Path) else choice
        for choice, data in zip(given, read, strict=True)
    ]
    known += [Style(number=number) for number in numbers]
    names = [*_names(given), *(f"style{number}" for number in numbers)]
    labeled = map(LabeledStyle, labels_of(names), known)
    return tuple(labeled), tuple(data for data in read if data)


def _names(given: tuple[Path | Style, ...]) -> Iterator[str]:
    for choice in given:
        if isinstance(choice, Path):
            yield choice.stem
        elif choice.number is not None:
            yield f"style{choice.number}"
        else:
            yield choice.name or (choice.image or "")[:13]
