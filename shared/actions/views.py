"""What bulk actions look like, as JSON. The API and the webhook sender share it."""

from typing import Any, Literal

from pydantic import Field

from shared.actions.action import Action, ActionStatus, Deed
from shared.jobs.moving import End
from shared.jobs.rendering import Links
from shared.jobs.views import Time, Url, View, rfc3339
from shared.specs.parts import Lane


class ActionUrls(View):
    """Where to go from here."""

    self: Url  # type: ignore[misc,unused-ignore]
    cancel: Url


class ActionView(View):
    """A bulk action."""

    id: str
    object: Literal["action"]
    do: Deed
    filter: dict[str, Any] = Field(description="As it was sent.")
    to: End | None
    lane: Lane | None
    owner: str = Field(description="Whose jobs.")
    dry_run: bool
    status: ActionStatus
    done: bool = Field(description="Whether the status is final.")
    fraction: float = Field(ge=0, le=1, description="How much of it is done, about.")
    matched: int = Field(description="Jobs that were found so far.")
    succeeded: int = Field(description="Jobs with which it was done.")
    skipped: dict[str, int] = Field(
        description="Jobs with which it could not be done any more, by reason: the status that they had come "
        "to, `gone`, `retried` before, `follower` of an equal job, `batch_canceled`, `batch_deleted`."
    )
    failed: dict[str, int] = Field(
        description="Jobs with which it was refused, by code: `quota_exceeded`, `file_not_found`."
    )
    created_at: Time
    completed_at: Time | None
    expires_at: Time | None = Field(description="When an action that is over will be forgotten.")
    urls: ActionUrls


def action_view(action: Action, links: Links) -> ActionView:
    """Return an action's representation."""
    home = links.action(action.id)
    return ActionView(
        id=action.id,
        object="action",
        do=action.deed,
        filter=dict(action.asked),
        to=action.move.to,
        lane=action.move.lane,
        owner=action.of,
        dry_run=action.dry_run,
        status=action.status,
        done=action.status is not ActionStatus.RUNNING,
        fraction=action.fraction,
        matched=action.matched,
        succeeded=action.done,
        skipped=dict(action.skipped),
        failed=dict(action.failed),
        created_at=rfc3339(action.created_at),
        completed_at=_time(action.completed_at),
        expires_at=_time(action.expires_at),
        urls=ActionUrls(self=home, cancel=f"{home}/cancel"),
    )


def _time(value: int | None) -> str | None:
    return None if value is None else rfc3339(value)
