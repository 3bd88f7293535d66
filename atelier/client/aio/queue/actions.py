"""Made from atelier/client/queue/actions.py by `make async-client`: change that file, not this one."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any, Unpack

from atelier.client.aio.transport import AsyncResource
from atelier.client.events import WaitTimeout
from atelier.client.jobs import ActionFilters
from atelier.client.queue.actions import LOOK_SECONDS, Action, Deed, _action, _path, _plain
from atelier.client.request_parts import ActionWebhook, Lane, QueueEnd, move_body, to_plain
from atelier.client.responses import json_of
from atelier.client.transport import idempotency_header


class AsyncActionsResource(AsyncResource):
    """The bulk actions of one Atelier. Every `action` may be its id."""

    async def begin(
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
        return _action(json_of(await self._transport.send("POST", "/v1/actions", json=body, headers=headers)))

    async def get(self, action: Action | str) -> Action:
        """Return an action as it is now; raise ApiError (404) where there is none, or not any more."""
        return _action(json_of(await self._transport.send("GET", _path(action))))

    def list(self) -> AsyncGenerator[Action, None]:
        """Yield actions, newest first, page by page; each is kept for 7 days after its end."""
        return self._transport.entries("/v1/actions", _action)

    async def cancel(self, action: Action | str) -> Action:
        """Stop an action; what it has done stays done. Raises ApiError (409) where it is completed."""
        return _action(json_of(await self._transport.send("POST", f"{_path(action)}/cancel")))

    async def wait(
        self,
        action: Action | str,
        *,
        timeout_seconds: float | None = None,
        on_progress: Callable[[Action], None] = lambda _: None,
    ) -> Action:
        """Return the action when it is over; raise WaitTimeout. `on_progress` gets it now and then."""
        until = None if timeout_seconds is None else time.monotonic() + timeout_seconds
        while not (found := (await self.get(action))).done:
            on_progress(found)
            if until is not None and time.monotonic() >= until:
                raise WaitTimeout(found.id)
            await asyncio.sleep(LOOK_SECONDS)
        on_progress(found)
        return found
