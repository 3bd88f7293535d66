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
