"""The stream of what changes of all of an owner's jobs and batches."""

import json
import time
from collections.abc import Collection
from typing import Any

from api.events import PING_SECONDS, EventStream, frame
from api.key_watch import ALARMED_SECONDS
from api.server.threads import LOOK_SECONDS
from shared.jobs.changes import Change, ChangeQueries
from shared.jobs.status import Status

PAUSE_SECONDS = 0.25  # between two looks, in which what changes of one record is told as one change


class OwnerStream(EventStream):
    """What changes of an owner's jobs and batches, for one client, until it has left."""

    def __init__(
        self, changes: ChangeQueries, owner: str, after: str, *, kinds: Collection[str], batch: str | None
    ) -> None:
        """Of these kinds alone, job and batch; where a batch is named, of that one."""
        super().__init__(after)
        self._changes = changes
        self._owner = owner
        self._kinds = kinds
        self._batch = batch
        self._looked_at = 0.0
        self._is_behind = True  # whether there may be more than what was told

    def _new_frames(self) -> list[str]:
        if not self._is_behind:
            self._wait()
        if not self._is_behind:
            return []
        time.sleep(max(0.0, self._looked_at + PAUSE_SECONDS - time.monotonic()))
        self._watch.check()
        return self._look()

    def _wait(self) -> None:
        """Wait for a change; after a while look even so, as changes are noted only while somebody looks."""
        block = min(LOOK_SECONDS, self._watch.seconds_left())
        has_changed = self._changes.wait(self._owner, self._after, block, self._watch.alarm)
        self._watch.check(ALARMED_SECONDS)
        self._is_behind = has_changed or time.monotonic() - self._looked_at >= PING_SECONDS

    def _look(self) -> list[str]:
        is_new = not self._after
        found = self._changes.after(self._owner, self._after)
        self._looked_at = time.monotonic()
        self._after, self._is_behind = found.place, not found.is_whole
        if found.is_lost:
            return [frame("reset", found.place, json.dumps({"reason": "new" if is_new else "lost"}))]
        return [_frame_of(change) for change in found.some if self._is_wanted(change)]

    def _is_wanted(self, change: Change) -> bool:
        return change.kind in self._kinds and self._batch in (None, change.id)


def _frame_of(change: Change) -> str:
    name = change.kind if change.state is not None else "deleted"
    told: dict[str, Any] = {"id": change.id, "object": change.kind}
    if change.state is not None:
        told |= _told_state(change)
    elif change.why is not None:
        told["reason"] = change.why
    return frame(name, change.place, json.dumps(told))


def _told_state(change: Change) -> dict[str, Any]:
    state = dict(change.state or {})
    if change.kind == "batch":
        return state
    progress = state.pop("progress", None)
    shown = progress and {name: progress.get(name) for name in ("stage", "fraction", "step", "total")}
    return {**state, "done": Status(state["status"]).is_terminal, "progress": shown}
