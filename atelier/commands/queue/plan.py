"""`atelier plan`: what many jobs would take of workers, time, storage and the job store."""

import math
import re
from collections.abc import Callable

import click

from atelier.client.queue.plans import Amount, Plan
from atelier.commands.options.service import Target, pass_target
from atelier.commands.options.times import Lifetime
from atelier.display import echo, echo_json
from atelier.display.table import Table
from atelier.display.time_format import say_seconds

Say = Callable[[float], str]
_UNITS = ("B", "KB", "MB", "GB", "TB", "PB", "EB")


class Count(click.ParamType[int]):
    """A whole number, also as 1e6 or 1,000,000."""

    name = "number"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the number; fail where it is none."""
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"([0-9]{1,12}(?:\.[0-9]{1,9})?)(?:e([0-9]{1,2}))?", value.replace(",", ""))
        number = float(found[1]) * 10.0 ** int(found[2] or 0) if found else math.nan
        if not number >= 1 or number != round(number):
            self.fail(f"{value!r} is no whole number of 1 or more, such as 50000 or 1e6", param, ctx)
        return int(number)


class PictureSize(click.ParamType[tuple[int, int]]):
    """Width and height in pixels."""

    name = "size"

    def convert(
        self, value: str | tuple[int, int], param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, int]:
        """Return width and height; fail where there are none."""
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,5})x([1-9][0-9]{0,5})", value)
        if found is None:
            self.fail(f"{value!r} is no size in pixels such as 4000x3000", param, ctx)
        return int(found[1]), int(found[2])


@click.command(short_help="Say what many jobs would take.")
@click.option("--jobs", type=Count(), required=True, help="Take so many, such as 1e6.")
@click.option(
    "--deadline", type=Lifetime(), required=True, help="Let them be done in this time, such as 24h."
)
@click.option("--model", metavar="NAME", help="Take this model. [default: that of `generate`]")
@click.option("--size", type=PictureSize(), help="Send photos of this size, such as 4000x3000.")
@click.option("--workers", type=Count(), help="Say how long so many take. [default: those that live]")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@pass_target
def plan(
    target: Target,
    *,
    jobs: int,
    deadline: int,
    model: str | None,
    size: tuple[int, int] | None,
    workers: int | None,
    as_json: bool,
) -> None:
    """Say what many jobs would take to be done by a deadline: workers, hours, storage, memory.

    Each number is a range, with what it rests on: what was measured here, else what the documentation has.
    Nothing is submitted. A key needs the scope metrics or admin.

    \b
    atelier plan --jobs 1e6 --deadline 24h
    atelier plan --jobs 20000 --deadline 8h --model magenta-mobile
    """
    with target.client() as client:
        found = client.stats.plan(jobs, deadline_seconds=deadline, model=model, size=size, workers=workers)
    if as_json:
        echo_json(found.raw)
        return
    _table(found).print()
    for warning in found.warnings:
        echo(f"note: {warning}", err=True)


def _table(found: Plan) -> Table:
    table = Table("of", "from", "to", "rests on")
    within = say_seconds(found.deadline_seconds)
    _add(table, "one job, slot time", found.seconds_a_job, say_seconds)
    _add(table, f"workers, done in {within}", found.workers_wanted, lambda count: f"{count:,.0f}")
    if found.hours is not None:
        many = "worker" if found.workers == 1 else "workers"
        _add(
            table, f"time with {found.workers:,} {many}", found.hours, lambda hours: say_seconds(3600 * hours)
        )
    _add(table, f"storage of {found.kept_jobs:,} results", found.storage_bytes, _bytes)
    if found.input_bytes is not None:
        _add(table, "storage of what is sent", found.input_bytes, _bytes)
    _add(table, "memory of the job store", found.store_bytes, _bytes)
    return table


def _add(table: Table, name: str, amount: Amount, say: Say) -> None:
    table.add(name, say(amount.low), say(amount.high), amount.basis)


def _bytes(count: float) -> str:
    power = min(len(_UNITS) - 1, max(0, int(math.log10(count) // 3))) if count >= 1 else 0
    return f"{count / 1000**power:.3g} {_UNITS[power]}"


def _hours(count: float) -> str:
    return say_seconds(3600 * count)
