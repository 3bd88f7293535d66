"""Options that take a length of time."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click

Decorated = TypeVar("Decorated", bound=Callable[..., Any])
Value = TypeVar("Value")

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 24 * 3600, "w": 7 * 24 * 3600}


class Lifetime(click.ParamType[int]):
    """A number with a unit, as seconds."""

    name = "time"

    def convert(self, value: str | int, param: click.Parameter | None, ctx: click.Context | None) -> int:
        """Return the seconds; fail where there are none."""
        if not isinstance(value, str):
            return value
        found = re.fullmatch(r"([1-9][0-9]{0,5})([smhdw])", value)
        if found is None:
            self.fail(f"{value!r} is no time such as 90d; units are {', '.join(_UNITS)}", param, ctx)
        return int(found[1]) * _UNITS[found[2]]


class Moment(click.ParamType[datetime]):
    """A time with its zone, or in this machine's."""

    name = "moment"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment, with a zone; fail where it is none."""
        try:
            found = value if isinstance(value, datetime) else datetime.fromisoformat(value)
            return found if found.tzinfo else found.astimezone()
        except (ValueError, OverflowError):
            self.fail(f"{value!r} is no time such as 2026-12-24T18:00 or 2026-12-24T18:00Z", param, ctx)


def pause_end_options(command: Decorated) -> Decorated:
    """Take --for and --until, of which one may be given: when a pause ends by itself."""

    def once(ctx: click.Context, parameter: click.Parameter, value: Value) -> Value:
        if value is not None and ctx.meta.setdefault("end of the pause", parameter) is not parameter:
            raise click.UsageError("give --for or --until, not both")
        return value

    for_option = click.option(
        "--for",
        "for_seconds",
        type=Lifetime(),
        callback=once,
        help="End it after so long, such as 90m.",
    )
    until_option = click.option(
        "--until", type=Moment(), callback=once, help="End it at a time, such as 2026-12-24T18:00."
    )
    return for_option(until_option(command))


class StartTime(click.ParamType[datetime]):
    """A time to come: RFC 3339, with this machine's zone where it has none, or a length of time from now."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment with its zone; fail where there is none."""
        if not isinstance(value, str):
            return value
        if re.fullmatch(r"\d+[a-z]", value):
            return datetime.now(UTC) + timedelta(seconds=Lifetime().convert(value, param, ctx))
        try:
            return datetime.fromisoformat(value).astimezone()
        except (ValueError, OverflowError, OSError):
            self.fail(f"{value!r} is no time such as '2026-12-01 01:00' or 8h", param, ctx)


class Ago(click.ParamType[datetime]):
    """A length of time before now, as a moment."""

    name = "time"

    def convert(
        self, value: str | datetime, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        """Return the moment; fail where there is none."""
        if not isinstance(value, str):
            return value
        return datetime.now(UTC) - timedelta(seconds=Lifetime().convert(value, param, ctx))
