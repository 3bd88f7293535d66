"""The audit log: who was given or refused what. One logger, one line an event, never a secret.

Refusals come as often as strangers like, so each kind of them writes a few lines a second, and then counts.
"""

import logging
import threading
import time
from enum import StrEnum

log = logging.getLogger("atelier.audit")

MOST_A_SECOND = 5  # lines of one kind of refusal


class Event(StrEnum):
    """What the audit log tells of."""

    BOOTSTRAP_KEY = "bootstrap_key"  # a process knows the key of the bootstrap file
    KEY_CREATED = "key_created"  # over HTTP
    KEY_REVOKED = "key_revoked"  # over HTTP
    KEY_TAKEN = "key_taken"  # a process takes a new key from now on, no matter which created it
    KEY_ENDED = "key_ended"  # a process refuses a revoked key from now on, no matter which revoked it
    MODELS_RELOADED = "models_reloaded"
    SECRET_RENEWED = "secret_renewed"  # of webhooks  # noqa: S105
    QUOTA_SET = "quota_set"  # over HTTP
    MODEL_LIMITED = "model_limited"  # how many of its jobs run at once
    ROLLOUT_SET = "rollout_set"  # the share of a model's jobs that gets another version
    ROLLED_BACK = "rolled_back"  # all of them get the current version again
    PAUSED = "paused"  # a lane, a model, an owner, or everything
    PAUSE_ENDED = "pause_ended"  # by somebody, before its time
    ACTION_BEGUN = "action_begun"  # by an admin, on jobs of another owner
    WORK_MOVED = "work_moved"  # an admin moved another owner's job or batch in its queue
    WORKER_CORDONED = "worker_cordoned"  # over HTTP, to drain it or not
    WORKER_UNCORDONED = "worker_uncordoned"  # over HTTP
    PLACES_USED = "places_used"  # a batch was accepted that reads or writes places of the operator's
    PLACE_REFUSED = "place_refused"  # a batch named a place that its owner may not use
    KEY_MISSING = "key_missing"
    KEY_REFUSED = "key_refused"  # unknown, revoked, expired, or a wrong signature of an address
    USER_REFUSED = "user_refused"  # a proxy named a user who cannot be an owner
    SCOPE_REFUSED = "scope_refused"
    RATE_REFUSED = "rate_refused"
    QUOTA_REFUSED = "quota_refused"
    HOST_REFUSED = "host_refused"
    ORIGIN_REFUSED = "origin_refused"


class _Bound:
    """Lets few lines a second of one kind through, and counts the others."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._second = -1
        self._written = 0
        self._left_out = 0

    def take(self) -> int | None:
        """Return how many were left out before a line that may be written; None where it may not."""
        with self._lock:
            second = int(time.monotonic())
            if second != self._second:
                self._second, self._written = second, 0
            if self._written >= MOST_A_SECOND:
                self._left_out += 1
                return None
            self._written += 1
            left_out, self._left_out = self._left_out, 0
            return left_out


_BOUNDS = {event: _Bound() for event in Event if event.endswith(("_refused", "_missing"))}


def audit(event: Event, **fields: object) -> None:
    """Write an event. Fields without a value are left out."""
    shown = {name: value for name, value in fields.items() if value not in ("", None)}
    bound = _BOUNDS.get(event)
    if bound is None:
        log.info("audit", extra={"event": str(event), **shown})
        return
    left_out = bound.take()
    if left_out is not None:
        counted = {"left_out": left_out} if left_out else {}
        log.warning("audit", extra={"event": str(event), **shown, **counted})
