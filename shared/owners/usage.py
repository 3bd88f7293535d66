"""Usage: what the jobs of owners took, by API key, model and day. The scripts that end attempts count it."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta

from shared.redis.client import server_time, store_errors
from shared.redis.scripts import Scripts

DAYS_AT_ONCE = 64  # that one round trip reads
NO_KEY = "-"
_EPOCH = date(1970, 1, 1)
_FIELD = re.compile(r"(\S+) (\S+) (.+)")
_COUNTS = re.compile(r"(\d{1,18}) (\d{1,18}) (\d{1,18}) (\d{1,18})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Usage:
    """What the jobs of one owner, key and model took, without a day."""

    owner: str
    key: str | None  # id of the API key that sent them; None if none was needed
    model: str
    jobs: int  # that succeeded, without those that took over the result of an equal one
    milliseconds: int  # of workers' slots, failed attempts included
    pixels: int  # of the results
    bytes: int  # of the results, in whole blocks


@dataclass(frozen=True, slots=True)
class DayUsage:
    """What they took on one day, by the server's clock in UTC: the day on which each attempt ended."""

    day: date
    usage: Usage


class UsageStore:
    """What owners' jobs took, as far as it is kept."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def today(self) -> date:
        """Return the day by the server's clock, in UTC."""
        return _EPOCH + timedelta(milliseconds=server_time(self._scripts.client))

    def read(self, since: date, until: date, *, owner: str | None = None) -> Iterator[DayUsage]:
        """Yield what was taken from one day to another, both included; `owner` is None for all owners."""
        days = [since + timedelta(days=n) for n in range((until - since).days + 1)]
        for some in (days[at : at + DAYS_AT_ONCE] for at in range(0, len(days), DAYS_AT_ONCE)):
            for day, fields in zip(some, self._fields(some), strict=True):
                entries = sorted(fields.items())
                found = (usage_from_record(*entry) for entry in entries)
                yield from (DayUsage(day, usage) for usage in found if owner in (None, usage.owner))

    def _fields(self, days: list[date]) -> list[dict[str, str]]:
        with store_errors():
            pipeline = self._scripts.client.pipeline(transaction=False)
            for day in days:
                pipeline.hgetall(self._scripts.keys("usage", str((day - _EPOCH).days)))
            found: list[dict[str, str]] = pipeline.execute()
        return found


def usage_from_record(field: str, text: str) -> Usage:
    """Return what a field of a day's hash says; raise ValueError where it is none."""
    whose, counts = _FIELD.fullmatch(field), _COUNTS.fullmatch(text)
    if whose is None or counts is None:
        raise ValueError(f"{field[:100]!r} is no usage")
    owner, key, model = whose.groups()
    return Usage(owner, None if key == NO_KEY else key, model, *map(int, counts.groups()))
