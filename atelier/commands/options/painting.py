"""The options for how a picture is made, which `stylize`, `transform` and `batch` share."""

from collections.abc import Callable, Sequence
from typing import Any

import click

from atelier.client.request_parts import Optimization
from atelier.commands.options.destination import FORMATS
from atelier.commands.options.parameters import (
    Number,
    choice,
    read_stroke,
    read_webhook,
    spec_field,
)
from atelier.commands.options.times import StartTime
from shared.specs.generate import GenerateSpec
from shared.specs.parts import Optimization as OptimizationSpec
from shared.specs.parts import Output
from shared.specs.stylize import StylizeSpec

Command = Callable[..., None]
Option = Callable[[Command], Command]

_QUALITY = spec_field(Output, "quality")
MOST_SECONDS = 1e9  # of a time-out, 31 years: a timer takes no more
timeout_option = click.option(
    "--timeout",
    type=Number(0, MOST_SECONDS),
    help="Wait for so many seconds. [default: until it is done]",
)
OF_A_JOB = (
    click.option("--model", help="Use this model. [default: the service's own]"),
    click.option(
        "--quality",
        type=click.IntRange(_QUALITY["minimum"], _QUALITY["maximum"]),
        default=_QUALITY["default"],
        show_default=True,
        help="Set the quality of jpeg and webp pictures.",
    ),
    click.option("--no-recipe", is_flag=True, help="Do not write into pictures how they were made."),
    click.option(
        "--enlarge",
        type=click.Choice(["2", "3", "4"]),
        callback=lambda _, __, factor: None if factor is None else int(factor),
        help="Make each finished picture so many times as large.",
    ),
    click.option(
        "--cache", is_flag=True, help="Take over the result of an equal job that had this option too."
    ),
    click.option(
        "--not-before",
        type=StartTime(),
        help="Do not start before this time, such as '2026-12-01 01:00' by this machine's clock, or 8h from "
        "now. [default: at once]",
    ),
    click.option(
        "--webhook",
        type=read_webhook,
        metavar="URL",
        help="Tell this address how the job ends. ntfy+URL, discord+URL, slack+URL and mailto:ADDRESS write "
        "to people.",
    ),
    timeout_option,
)
MAX_SIDE = (
    click.option(
        "--max-side",
        type=click.IntRange(min=16),
        help="Make the longest side so many pixels. [default: the photo's]",
    ),
)
OF_CONTENT = (
    click.option(
        "--profile",
        type=click.Choice(["srgb", "keep"]),
        help="Write sRGB, or keep the photo's own colors with their profile. [default: srgb]",
    ),
    click.option(
        "--metadata",
        "kept_metadata",
        type=click.Choice(["none", "safe", "all"]),
        help="Keep nothing of the photo's metadata; or camera, dates, author, copyright and description; or "
        "all, the place too. [default: none]",
    ),
)


def painting(mask: click.Path) -> tuple[Option, ...]:
    """Return the options for paintings; the value of --mask is of the type `mask`."""
    return (
        click.option(
            "--weight",
            "weights",
            type=Number(),
            multiple=True,
            help="Give a style this share; repeat it in the order of the styles.",
        ),
        click.option("--preserve-color", is_flag=True, help="Paint in the photo's own colors."),
        click.option(
            "--stroke",
            type=read_stroke,
            metavar="PIXELS|native",
            help="Let the network work at this longest side: smaller gives bolder strokes. "
            "[default: the model's own]",
        ),
        click.option(
            "--precision",
            type=choice(StylizeSpec, "precision"),
            help="Take numbers of 16 bits where the worker has them (fast), or of 32 (exact). "
            "[default: as the service is set]",
        ),
        click.option(
            "--upsample",
            type=choice(StylizeSpec, "upsample"),
            help="Bring a painting that is smaller than the result to its size smoothly, or by a network, "
            "with sharp strokes. [default: guided]",
        ),
        click.option(
            "--mask",
            type=mask,
            help="Paint where this picture is white, and leave the photo where it is black.",
        ),
        click.option(
            "--steadiness", type=Number(), help="Keep animations from flickering, from 0 to 1. [default: 0.5]"
        ),
        click.option(
            "--steps",
            type=int,
            help="Take so many steps, with a model that optimizes, such as nst-gatys. [default: 200]",
        ),
        click.option(
            "--style-weight",
            type=Number(),
            help="Weigh the style so much, with a model that optimizes. [default: 1]",
        ),
        click.option(
            "--content-weight",
            type=Number(),
            help="Weigh the photo so much, with a model that optimizes. [default: 1]",
        ),
        click.option(
            "--variation-weight",
            type=Number(),
            help="Weigh smoothness so much, with a model that optimizes. [default: 1]",
        ),
        click.option(
            "--optimizer",
            type=choice(OptimizationSpec, "optimizer"),
            help="Optimize by this method. [default: adam]",
        ),
    )


OF_A_PAINTING = (
    *("weights", "preserve_color", "stroke", "precision", "upsample", "mask", "steadiness"),
    *("steps", "style_weight", "content_weight", "variation_weight", "optimizer"),
)  # what those give to the command
_OPTIMIZATION = ("steps", "style_weight", "content_weight", "variation_weight", "optimizer", "preview_every")


def lane_option(default: str) -> Option:
    """Return the option for the lane; single jobs and batches go in different ones by default."""
    return click.option(
        "--lane",
        type=choice(GenerateSpec, "lane"),
        default=default,
        show_default=True,
        help="Put the job into this lane: interactive work goes before bulk work.",
    )


def format_option(text: str) -> Option:
    """Return the option for the format of the pictures."""
    return click.option(
        "--format", "form", type=click.Choice(list(dict.fromkeys(FORMATS.values()))), help=text
    )


def with_options(*options: Option) -> Option:
    """Return what gives a command these options, in this order."""

    def decorate(command: Command) -> Command:
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def given(**options: Any) -> dict[str, Any]:
    """Return the options that were given."""
    return {name: value for name, value in options.items() if value is not None}


def optimization(options: dict[str, Any], **otherwise: Any) -> Optimization | None:
    """Take the options of a model that optimizes out of the others; None where none was given."""
    known = otherwise | given(**{name: options.pop(name, None) for name in _OPTIMIZATION})
    return Optimization(**known) if known else None


def check_weights(weights: Sequence[float], styles: Sequence[object]) -> None:
    """Raise UsageError where some styles have a weight and others have none."""
    if weights and len(weights) != len(styles):
        raise click.UsageError("give one --weight for each style, or none")
