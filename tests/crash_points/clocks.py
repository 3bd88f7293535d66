"""A process's wall clock, set wrong from within."""

import datetime
import time


def shift(seconds: float) -> None:
    """Make this process's wall clock wrong. Call it before anything else is imported."""
    real, real_ns = time.time, time.time_ns

    class Shifted(datetime.datetime):
        """Asks the wrong clock."""

        @classmethod
        def now(cls, tz: datetime.tzinfo | None = None) -> "Shifted":
            """Return the wrong time."""
            return cls.fromtimestamp(time.time(), tz)

        @classmethod
        def utcnow(cls) -> "Shifted":
            """Return the wrong time, without a zone."""
            return cls.now(datetime.UTC).replace(tzinfo=None)

    time.time = lambda: real() + seconds
    time.time_ns = lambda: real_ns() + int(seconds * 1e9)
    datetime.datetime = Shifted  # type: ignore[misc]
