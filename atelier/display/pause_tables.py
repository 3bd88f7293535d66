"""Pauses as people read them in a terminal."""

from collections.abc import Iterable

from atelier.client.queue.pauses import Pause
from atelier.display.table import Table
from atelier.display.time_format import say_moment


def pause_table(pauses: Iterable[Pause]) -> Table:
    """Return a row for each pause."""
    table = Table("pause", "of", "now", "until", "window", "by", "reason")
    for pause in pauses:
        window = f"{pause.window} {pause.timezone}" if pause.window else ""
        holds = "holds" if pause.holds else "not now"
        until = say_moment(pause.until)
        table.add(pause.id, say_scope(pause), holds, until, window, pause.by or "", pause.reason)
    return table


def say_time(pause: Pause) -> str:
    """Return when a pause holds: paused now or not yet, its part of the day, and until when."""
    window = f"each day {pause.window} {pause.timezone}" if pause.window else ""
    now = "paused" if pause.holds else "not paused now"
    until = f"until {say_moment(pause.until)}" if pause.until else ""
    return ", ".join(part for part in (now, window, until) if part)


def say_scope(pause: Pause) -> str:
    """Return what a pause holds for."""
    parts = (("lane", pause.lane), ("model", pause.model), ("owner", pause.owner))
    return ", ".join(f"{kind} {name}" for kind, name in parts if name) or "everything"
