"""The options that stop a batch of which too much goes wrong."""

from collections.abc import Mapping
from typing import Any

import click

from atelier.commands.options.parameters import Number

BRAKE = (
    click.option(
        "--stop-after-failures",
        "stop_failed",
        type=click.IntRange(min=1),
        metavar="N",
        help="End when so many pictures failed; the batch pauses.",
    ),
    click.option(
        "--stop-at-share",
        "stop_share",
        type=Number(min=0, max=1, min_open=True),
        metavar="SHARE",
        help="End when such a share of those that are done failed, such as 0.5.",
    ),
    click.option(
        "--stop-share-after",
        "stop_after",
        type=click.IntRange(min=1),
        metavar="N",
        help="Begin to look at the share when so many are done. [default: 10]",
    ),
)


def brake_of(options: Mapping[str, Any]) -> dict[str, Any] | None:
    """Return `stop_when` of the batch; None without one of these options. Raises UsageError."""
    given = {name: options[f"stop_{name}"] for name in ("failed", "share", "after")}
    found = {name: value for name, value in given.items() if value is not None}
    if "after" in found and "share" not in found:
        raise click.UsageError("--stop-share-after goes with --stop-at-share")
    return found or None
