"""Options that take a length of time."""

import re
from datetime import UTC, datetime, timedelta

import click

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
