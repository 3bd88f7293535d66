"""A pause: whose jobs are not started, why, and until when."""

import json
from dataclasses import dataclass
from typing import Any

from shared.pauses.window import DayWindow
from shared.specs.parts import Lane

REASON = r"^[^\x00-\x1f\x7f]{1,200}$"  # no control characters


@dataclass(frozen=True, slots=True)
class Pause:
    """What is not started for a time. All times are milliseconds since the epoch by the server's clock."""

    id: str
    reason: str
    by: str  # the owner of the key that made it
    created_at: int
    lane: Lane | None = None  # None: both
    model: str | None = None  # None: all
    owner: str | None = None  # None: all
    ends_at: int | None = None  # None: somebody has to end it
    window: DayWindow | None = None  # it holds in this part of each day alone
    starts: int = 0  # of a window: when it begins the next time, or began this time
    stops: int = 0  # when that ends

    def to_json(self) -> str:
        """Return it as the scripts read it (shared/redis/lua/includes/pauses.lua)."""
        known: dict[str, Any] = {"id": self.id, "reason": self.reason, "by": self.by}
        known["created_at"] = self.created_at
        scope = {"lane": self.lane, "model": self.model, "owner": self.owner, "ends_at": self.ends_at}
        known |= {name: value for name, value in scope.items() if value is not None}
        if self.window is not None:
            known |= {"window": self.window.text, "timezone": self.window.zone.key}
            known |= {"starts": self.starts, "stops": self.stops}
        return json.dumps(known)

    def is_over(self, now_ms: int) -> bool:
        """Whether it has ended for good."""
        return self.ends_at is not None and self.ends_at <= now_ms

    def holds(self, now_ms: int) -> bool:
        """Whether it keeps jobs from starting at a time; of a window, at one near to now."""
        return not self.is_over(now_ms) and (self.window is None or self.starts <= now_ms < self.stops)


def pause_from_json(text: str) -> Pause:
    """Read a pause as `to_json` has written it; raise ValueError, KeyError or TypeError for another text."""
    raw = json.loads(text)
    lane, ends_at = raw.get("lane"), raw.get("ends_at")
    window = DayWindow.parse(raw["window"], raw["timezone"]) if "window" in raw else None
    times = {name: _whole(raw[name]) for name in ("starts", "stops")} if window else {}
    return Pause(
        id=_text(raw["id"]),
        reason=_text(raw["reason"]),
        by=_text(raw["by"]),
        created_at=_whole(raw["created_at"]),
        lane=None if lane is None else Lane(lane),
        model=None if raw.get("model") is None else _text(raw["model"]),
        owner=None if raw.get("owner") is None else _text(raw["owner"]),
        ends_at=None if ends_at is None else _whole(ends_at),
        window=window,
        **times,
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError(f"{value!r} is no text")
    return value


def _whole(value: object) -> int:
    if type(value) is not int:
        raise TypeError(f"{value!r} is no whole number")
    return value
