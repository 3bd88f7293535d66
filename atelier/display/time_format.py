"""Times and durations as people read them."""

from datetime import datetime

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


def say_moment(moment: datetime | None) -> str:
    """Return a time in this machine's zone, to the second; "" for none."""
    return moment.astimezone().strftime("%Y-%m-%d %H:%M:%S") if moment else ""


def say_exactly(moment: datetime) -> str:
    """Return a time in this machine's zone, to the millisecond."""
    return moment.astimezone().isoformat(" ", "milliseconds")[:23]


def say_seconds(seconds: float) -> str:
    """Return a duration in its two largest units: 250 ms, 12.5 s, 2 min 5 s, 3 d 4 h."""
    if seconds < 60:
        return f"{1000 * seconds:.0f} ms" if seconds < 1 else f"{seconds:.1f} s"
    rest = round(seconds)
    parts: list[str] = []
    for size, unit in _UNITS:
        count, rest = divmod(rest, size)
        if count or parts:
            parts.append(f"{count} {unit}" if count else "")
    return " ".join(part for part in parts[:2] if part)
