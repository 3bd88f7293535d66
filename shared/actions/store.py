"""The store of bulk actions: begin, read and cancel them."""

import time

from shared.actions.action import Action, ActionDraft, ActionStatus, action_from_record
from shared.errors import ActionNotFound, IdempotencyMismatch, IllegalMove
from shared.jobs.store import JobStore
from shared.jobs.submission import to_text
from shared.redis.client import Page, newest, store_errors

TICK_SECONDS = 0.001  # of the server's clock


class ActionStore:
    """Bulk actions in a Redis-protocol server. All times are the server's."""

    def __init__(self, jobs: JobStore) -> None:
        self._client = jobs.client
        self._scripts = jobs.scripts
        self._rules = jobs.rules

    def begin(self, draft: ActionDraft) -> tuple[Action, bool]:
        """Begin an action, or find the one that this key began; return it and whether it is new.

        Jobs that were accepted before this was called are touched, and none that is accepted later. Raises
        IdempotencyMismatch if another request used the key before.
        """
        time.sleep(TICK_SECONDS)  # an item that was accepted before was so at an earlier time
        keep = self._rules.idempotency_seconds * 1000
        outcome, action_id = self._scripts.run(
            "actions/open",
            draft.id,
            draft.owner,
            to_text(draft.record()),
            draft.idempotency_key,
            draft.fingerprint,
            keep,
        )
        if outcome == "mismatch":
            raise IdempotencyMismatch("this key was used before with another request")
        return self.get(action_id, draft.owner), outcome == "created"

    def get(self, action_id: str, owner: str) -> Action:
        """Return the owner's action; raise ActionNotFound, also where it has expired."""
        action = self.read(action_id)
        if action is None or action.owner != owner:
            raise ActionNotFound(f"there is no action {action_id}")
        return action

    def read(self, action_id: str) -> Action | None:
        """Return an action, no matter who asked for it; None where there is none."""
        with store_errors():
            raw = self._client.hgetall(self._scripts.keys("action", action_id))
        return action_from_record(raw) if raw else None

    def page(self, owner: str, *, limit: int = 20, cursor: str | None = None) -> Page[Action]:
        """Return the actions that an owner asked for, newest first; expired ones are left out."""
        key = self._scripts.keys("owned_actions", owner)
        ids = newest(self._client, key, limit=limit, cursor=cursor)
        found = (self.read(action_id) for action_id in ids.items)
        return Page(tuple(action for action in found if action), ids.next_cursor)

    def cancel(self, action_id: str, owner: str) -> None:
        """Stop an action; what it has done stays done. Canceling a canceled one changes nothing.

        Raises ActionNotFound, or IllegalMove if it is completed.
        """
        status = self._scripts.run("actions/cancel", action_id, owner)
        if status == "missing":
            raise ActionNotFound(f"there is no action {action_id}")
        if status == ActionStatus.COMPLETED:
            raise IllegalMove("an action that is completed cannot be canceled")
