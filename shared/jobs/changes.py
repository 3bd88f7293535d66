"""What changes of an owner's jobs and batches, for those who follow all of them.

Of a record that changes often the latest state is told, and not all that it went through. What is kept for an
owner is bounded, and kept only while somebody follows it: who comes back later is told that it missed some.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from shared.jobs.queries import Alarm, read_stream
from shared.redis.scripts import Scripts

MOST_CHANGED = 1000  # records that an owner's changes hold; as in shared/redis/lua/includes/changes.lua
KEPT_SECONDS = 3600  # how long changes are noted after somebody has followed them last
AT_ONCE = 100  # that one script reads


@dataclass(frozen=True, slots=True)
class Change:
    """A job or a batch that changed."""

    id: str  # of the record
    place: str  # of its latest change among the owner's
    state: Mapping[str, Any] | None  # status and so on, as owners/changes.lua reads it; None: it is gone
    why: str | None = None  # it is gone: "reclaimed" where it went to make room; None for other reasons

    @property
    def kind(self) -> str:
        """What it is: job or batch."""
        return self.id.partition("_")[0]


@dataclass(frozen=True, slots=True)
class Changes:
    """What changed after a place."""

    place: str  # what follows comes after this one
    is_lost: bool  # whether changes before `place` may be missing: then `some` is empty
    some: tuple[Change, ...]  # in the order of their latest changes

    @property
    def is_whole(self) -> bool:
        """Whether nothing more had changed."""
        return len(self.some) < AT_ONCE


class ChangeQueries:
    """Reads what changes of owners' jobs and batches."""

    def __init__(self, scripts: Scripts) -> None:
        self._scripts = scripts

    def after(self, owner: str, place: str = "") -> Changes:
        """Return what changed after a place, and have changes noted from now on; without one, where to begin.

        A place is forgotten when more than MOST_CHANGED records changed after it, and when nobody asked for
        KEPT_SECONDS.
        """
        latest, is_lost, *found = self._scripts.run("owners/changes", owner, place, AT_ONCE, KEPT_SECONDS)
        entries = (json.loads(text) for text in found)
        some = tuple(
            Change(entry["id"], entry["place"], entry.get("state"), entry.get("why")) for entry in entries
        )
        return Changes(latest, bool(is_lost), some)

    def wait(self, owner: str, place: str, block_seconds: float, alarm: Alarm | None = None) -> bool:
        """Wait, 2 seconds at most, for a change after a place or an alarm; return whether one is there."""
        key = self._scripts.keys("latest_change", owner)
        return bool(read_stream(self._scripts.client, key, place, block_seconds, alarm))
