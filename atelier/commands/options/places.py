"""The options of commands that move what waits, and one move of each job or batch that is named."""

from collections.abc import Callable
from functools import partial
from typing import Any

import click

from atelier.client.batches import BatchesResource
from atelier.client.job import Job
from atelier.client.jobs import JobsResource
from atelier.commands.options.job_selection import LANES, Choice, carry_out_each
from atelier.commands.options.painting import Option, with_options


def place_options(what: str) -> Option:
    """Return the options that say what is moved, and where to."""
    return with_options(
        click.argument("ids", nargs=-1, required=True, metavar="ID..."),
        click.option(
            "--to", type=click.Choice(("front", "back")), help="Put it before or after all that waits."
        ),
        click.option("--lane", type=click.Choice(LANES), help="Put it into this lane."),
        click.option("--owner", help=f"Take {what} of this owner; for admins."),
        click.option("--json", "as_json", is_flag=True, help=f"Print a line of JSON for each of the {what}."),
    )


def move_each(
    ctx: click.Context,
    resource: JobsResource | BatchesResource,
    own: Callable[..., Any],
    options: dict[str, Any],
) -> None:
    """Move each of the jobs or batches that the options name; `own` moves one's own."""
    to, lane, owner = options["to"], options["lane"], options["owner"]
    if to is None and lane is None:
        raise click.UsageError("say where to: --to front or back, --lane interactive or bulk, or both")
    ids = tuple(dict.fromkeys(options["ids"]))
    if to == "front":
        ids = ids[::-1]  # so that the first that is named comes first
    move = partial(resource.move_of_owner, owner) if owner else own
    where = " ".join([*([f"to the {to}"] if to else []), *([f"in lane {lane}"] if lane else [])])
    choice = Choice(ids, by_status=False, as_json=options["as_json"])
    carry_out_each(ctx, choice, lambda name: move(name, to=to, lane=lane), partial(_say, where))


def _say(where: str, moved: object) -> str:
    queue = moved.raw.get("queue") if isinstance(moved, Job) else None
    position = queue and queue["position"]
    return f"moved {where}" + (f", now at place {position}" if position else "")
