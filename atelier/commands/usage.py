"""`atelier usage`: what jobs took, by day, owner, key and model."""

import csv
import sys
from collections.abc import Iterable
from dataclasses import asdict, fields
from datetime import date, datetime

import click

from atelier.client.usage import Usage
from atelier.commands.options.service import Target, pass_target
from atelier.display import echo, echo_json
from atelier.display.table import Table
from shared.logs import plain

_DAY = click.DateTime(["%Y-%m-%d"])
_NAMES = tuple(field.name for field in fields(Usage))


@click.command(short_help="Show what jobs took, by day, owner, key and model.")
@click.option("--since", type=_DAY, metavar="DAY", help="Begin at this day. [default: 30 days earlier]")
@click.option("--until", type=_DAY, metavar="DAY", help="End with this day. [default: today, in UTC]")
@click.option("--owner", help="Show another owner's, or * for all, for admins. [default: your own]")
@click.option("--csv", "as_csv", is_flag=True, help="Print CSV.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def usage(
    target: Target,
    *,
    since: datetime | None,
    until: datetime | None,
    owner: str | None,
    as_csv: bool,
    as_json: bool,
) -> None:
    """Show what jobs took on each day: seconds of workers' slots, pixels and bytes of results.

    \b
    atelier usage --since 2026-11-01
    atelier usage --owner '*' --csv
    """
    with target.client() as client:
        found = client.usage(since=_day(since), until=_day(until), owner=owner)
    if as_csv:
        _write_csv(found)
    elif as_json:
        echo_json([{**asdict(entry), "day": entry.day.isoformat()} for entry in found])
    elif found:
        _print(found)
    else:
        echo("No job has ended in these days.", err=True)


def _day(moment: datetime | None) -> date | None:
    return None if moment is None else moment.date()


def _write_csv(found: Iterable[Usage]) -> None:
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(_NAMES)
    for entry in found:
        values = asdict(entry) | {"key": entry.key or ""}
        writer.writerow(plain(str(value)) for value in values.values())


def _print(found: Iterable[Usage]) -> None:
    table = Table("day", "owner", "key", "model", "jobs", "runner s", "megapixels", "MB")
    for entry in found:
        numbers = (entry.runner_seconds, entry.pixels / 1e6, entry.bytes / 1e6)
        shown = (f"{number:,.1f}" for number in numbers)
        table.add(entry.day.isoformat(), entry.owner, entry.key or "", entry.model, str(entry.jobs), *shown)
    table.print()
