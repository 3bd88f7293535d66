"""`client.actions`: cancel, retry, delete or move all jobs that a filter admits."""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Unpack
from urllib.parse import quote

from atelier.client.errors import reading
from atelier.client.events import WaitTimeout
from atelier.client.job import moment
from atelier.client.jobs import ActionFilters
from atelier.client.request_parts import ActionWebhook, Lane, QueueEnd, move_body, to_plain
from atelier.client.responses import json_of
from atelier.client.transport import Resource, idempotency_header

Deed = Literal["cancel", "retry", "delete", "move"]
LOOK_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Action:
    """A bulk action, as in the service's response."""

    id: str
    do: Deed
    status: Literal["running", "completed", "canceled"]
    dry_run: bool
    matched: int  # jobs that were found so far
    succeeded: int  # of these, those with which it was done
    skipped: Mapping[str, int]  # by reason: it did not apply any more
    failed: Mapping[str, int]  # by error code: it was refused
    fraction: float  # of the whole that is done, about, from 0 to 1
    created_at: datetime | None = None
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document

    @property
    def done(self) -> bool:
        """Whether the status is final."""
        return self.status != "running"


class ActionsResource(Resource):
    """The bulk actions of one Atelier. Every `action` may be its id."""

    def begin(
        self,
        do: Deed,
        *,
        to: QueueEnd | None = None,
        lane: Lane | None = None,
        in_lane: Lane | None = None,
        owner: str | None = None,
        dry_run: bool = False,
        webhook: ActionWebhook | None = None,
        idempotency_key: str | None = None,
        **filters: Unpack[ActionFilters],
    ) -> Action:
        """Begin an action with all jobs that the filters admit, which are those of `client.jobs.list`.

        `in_lane` is that list's filter `lane`; `to` and `lane` say where a move goes. Jobs that are accepted
        later are not touched. With `dry_run` it counts the jobs and changes nothing.
        `owner` is another owner of the jobs, for admins. `webhook` is told once, at the end.
        """
        chosen = {**filters, "lane": in_lane}
        only = {name: _plain(value) for name, value in chosen.items() if value is not None}
        body: dict[str, Any] = {"do": do, "filter": only, **move_body(to, lane)}
        body |= {"owner": owner} if owner else {}
        body |= {"dry_run": True} if dry_run else {}
        body |= {"webhook": to_plain(webhook)} if webhook else {}
        headers = idempotency_header(idempotency_key)
        return _action(json_of(self._transport.send("POST", "/v1/actions", json=body, headers=headers)))

    def get(self, action: Action | str) -> Action:
        """Return an action as it is now; raise ApiError (404) where there is none, or not any more."""
        return _action(json_of(self._transport.send("GET", _path(action))))

    def list(self) -> Iterator[Action]:
        """Yield actions, newest first, page by page; each is kept for 7 days after its end."""
        return self._transport.entries("/v1/actions", _action)

    def cancel(self, action: Action | str) -> Action:
        """Stop an action; what it has done stays done. Raises ApiError (409) where it is completed."""
        return _action(json_of(self._transport.send("POST", f"{_path(action)}/cancel")))

    def wait(
        self,
        action: Action | str,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Action], None] = lambda _: None,
    ) -> Action:
        """Return the action when it is over; raise WaitTimeout. `on_progress` gets it now and then."""
        until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not (found := self.get(action)).done:
            on_progress(found)
            if until is not None and time.monotonic() >= until:
                raise WaitTimeout(found.id)
            time.sleep(LOOK_SECONDS)
        on_progress(found)
        return found


def _plain(value: object) -> object:
    return value.isoformat() if isinstance(value, datetime) else value


def _path(action: Action | str) -> str:
    return f"/v1/actions/{quote(action if isinstance(action, str) else action.id, safe='')}"


def _action(body: Any) -> Action:
    with reading("an action"):
        return Action(
            id=body["id"],
            do=body["do"],
            status=body["status"],
            dry_run=body["dry_run"],
            matched=body["matched"],
            succeeded=body["succeeded"],
            skipped=body["skipped"],
            failed=body["failed"],
            fraction=body["fraction"],
            created_at=moment(body.get("created_at")),
            raw=body,
        )
