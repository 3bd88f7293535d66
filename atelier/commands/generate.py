"""`atelier generate`: pictures from seeds, from latents, or from a walk between them."""

from typing import Any

import click

from atelier.client.request_parts import Animation, Grid, Interpolation, Upscale, to_plain
from atelier.client.requests import GenerateRequest
from atelier.commands.options.destination import Destination
from atelier.commands.options.painting import given
from atelier.commands.options.parameters import (
    Number,
    at_least,
    choice,
    complete_files,
    read_latents,
    read_seeds,
)
from atelier.commands.options.results import carry_out, check_room, encoding, result_options
from atelier.commands.options.service import Target, pass_target
from shared.specs import parts
from shared.specs.generate import GenerateSpec


@click.command(short_help="Make pictures from seeds: digits, grids, walks.")
@click.option(
    "--seed",
    type=at_least(GenerateSpec, "seed"),
    help="Begin with this seed. [default: drawn by the service]",
)
@click.option("--count", type=at_least(GenerateSpec, "count"), help="Make so many pictures. [default: 1]")
@click.option("--seeds", type=read_seeds, metavar="1,2,3", help="Make one picture from each of these seeds.")
@click.option(
    "--latents",
    type=read_latents,
    metavar="FILE",
    shell_complete=complete_files,
    help="Read the latent vectors from this JSON file.",
)
@click.option(
    "--interpolate", type=read_seeds, metavar="1,2,3", help="Walk through the pictures from seed to seed."
)
@click.option(
    "--interpolate-latents",
    type=read_latents,
    metavar="FILE",
    shell_complete=complete_files,
    help="Walk from vector to vector of this JSON file.",
)
@click.option(
    "--steps",
    type=at_least(parts.Interpolation, "steps"),
    help="Make so many pictures from point to point. [default: 16]",
)
@click.option(
    "--digit", type=at_least(GenerateSpec, "digit"), help="Make this digit. [default: drawn from the seed]"
)
@click.option("--digits", metavar="TEXT", help="Write out these digits, in one hand for each seed.")
@click.option(
    "--truncation",
    type=Number(),
    help="Draw nearer to the average below 1: digits vary less and are cleaner.",
)
@click.option("--grid", is_flag=True, help="Put all pictures into one.")
@click.option(
    "--columns", type=at_least(parts.Grid, "columns"), help="Give the grid so many columns. [default: 8]"
)
@click.option(
    "--gap", type=at_least(parts.Grid, "gap"), help="Leave so many pixels between pictures. [default: 2]"
)
@click.option("--animation", is_flag=True, help="Put all pictures into one animated gif or webp.")
@click.option("--frame-milliseconds", type=int, help="Show each frame for so long. [default: 80]")
@click.option("--once", is_flag=True, help="Play the animation once.")
@click.option("--upscale", type=at_least(parts.Upscale, "factor"), help="Enlarge by a whole factor.")
@click.option(
    "--filter",
    "filter_name",
    type=choice(parts.Upscale, "filter"),
    help="Enlarge by this method. [default: nearest]",
)
@result_options
@pass_target
def generate(
    target: Target,
    /,
    *,
    output: Destination,
    timeout: float | None,
    as_json: bool,
    dry_run: bool,
    **options: Any,
) -> None:
    """Make pictures of handwritten digits. The same seed gives the same picture.

    \b
    atelier generate --seed 7 -o seven.png
    atelier generate --count 64 --columns 8 -o grid.png
    atelier generate --interpolate 1,2,3 --digit 5 \\
        --animation -o walk.gif
    atelier generate --digits 0042 --upscale 4 -o number.png
    """
    request = _request(output, as_json=as_json, **options)
    check_room(output, count=_count(request))
    with target.client() as client:
        carry_out(client, request, output=output, timeout=timeout, as_json=as_json, dry_run=dry_run)


def _request(
    output: Destination,
    *,
    as_json: bool,
    upscale: int | None,
    filter_name: str | None,
    **options: Any,
) -> GenerateRequest:
    """Return the request; the options of each of its parts are taken out of the others."""
    animation = _animation(options)
    return GenerateRequest(
        interpolate=_walk(options),
        grid=_grid(options),
        animation=animation,
        upscale=Upscale(**given(factor=upscale, filter=filter_name)) if upscale or filter_name else None,
        output=encoding(options, output, as_json=as_json, otherwise="gif" if animation else "png"),
        **options,
    )


def _count(request: GenerateRequest) -> int:
    """Return how many pictures a request asks for; of a walk, which has several, at least 2."""
    if request.grid or request.animation:
        return 1
    if request.interpolate:
        return 2
    return request.count or len(to_plain(request.seeds or request.latents or [0]))


def _walk(options: dict[str, Any]) -> Interpolation | None:
    seeds, latents, steps = (options.pop(name) for name in ("interpolate", "interpolate_latents", "steps"))
    if seeds is None and latents is None:
        if steps is not None:
            raise click.UsageError("--steps is for --interpolate and --interpolate-latents")
        return None
    return Interpolation(**given(seeds=seeds, latents=latents, steps=steps))


def _grid(options: dict[str, Any]) -> Grid | None:
    wanted, columns, gap = (options.pop(name) for name in ("grid", "columns", "gap"))
    known = given(columns=columns, gap=gap)
    return Grid(**known) if wanted or known else None


def _animation(options: dict[str, Any]) -> Animation | None:
    wanted, milliseconds, once = (options.pop(name) for name in ("animation", "frame_milliseconds", "once"))
    if not (wanted or milliseconds or once):
        return None
    return Animation(loop=not once, **given(frame_milliseconds=milliseconds))
