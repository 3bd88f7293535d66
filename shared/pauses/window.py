"""A window of the day in a time zone, such as 01:00-07:00 in Europe/Berlin."""

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

WINDOW = r"^([01][0-9]|2[0-3]):[0-5][0-9]-([01][0-9]|2[0-3]):[0-5][0-9]$"
ZONE = r"^[A-Za-z][A-Za-z0-9_+/-]{0,63}$"
_DAY = timedelta(days=1)
_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True, slots=True)
class DayWindow:
    """The same part of each day. It goes over midnight where it ends earlier than it begins."""

    begins: time
    ends: time
    zone: ZoneInfo

    @classmethod
    def parse(cls, window: str, zone: str) -> "DayWindow":
        """Read `HH:MM-HH:MM` and the IANA name of a time zone; raise ValueError, which says what is wrong."""
        if re.fullmatch(WINDOW, window) is None:
            raise ValueError(f"window must be two times of the day such as 01:00-07:00; got {window[:40]!r}")
        begins, ends = map(time.fromisoformat, window.split("-"))
        if begins == ends:
            raise ValueError(f"window must begin and end at different times; got {window}")
        return cls(begins, ends, zone_of(zone))

    @property
    def text(self) -> str:
        """The window as it was given."""
        return f"{self.begins:%H:%M}-{self.ends:%H:%M}"

    def next_time(self, now_ms: int) -> tuple[int, int]:
        """Return from when to when it is the next time, or now, in milliseconds since the epoch."""
        today = datetime.fromtimestamp(now_ms / 1000, self.zone).date()
        days = (today + _DAY * number for number in range(-1, 4))
        times = ((self._begin(day), self._end(day)) for day in days)
        return next((begin, end) for begin, end in times if begin < end and now_ms < end)

    def _begin(self, day: date) -> int:
        return self._milliseconds(datetime.combine(day, self.begins), fold=0)

    def _end(self, day: date) -> int:
        day += _DAY if self.ends < self.begins else timedelta(0)
        return self._milliseconds(datetime.combine(day, self.ends), fold=1)

    def _milliseconds(self, wall: datetime, *, fold: int) -> int:
        """Return the moment of a time on the clock's face; where that comes twice, the first or the last.

        Where clocks are set forward over it, it is the first moment after that.
        """
        moment = wall.replace(tzinfo=self.zone, fold=fold)
        while moment.astimezone(UTC).astimezone(self.zone).replace(tzinfo=None, fold=0) != wall:
            wall += _MINUTE
            moment = wall.replace(tzinfo=self.zone, fold=fold)
        return int(moment.timestamp() * 1000)


def zone_of(name: str) -> ZoneInfo:
    """Return a time zone by its IANA name; raise ValueError, which says what is wrong."""
    try:
        if re.fullmatch(ZONE, name) is None:
            raise ValueError(name)
        return ZoneInfo(name)
    except (ValueError, OSError, ZoneInfoNotFoundError) as error:
        raise ValueError(
            f"timezone must be an IANA name such as Europe/Berlin or UTC; got {name[:64]!r}"
        ) from error
