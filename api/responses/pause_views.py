"""What pauses look like, as JSON and in the OpenAPI document."""

from typing import Literal

from pydantic import Field

from api.services import base_url, may_know_of_others, owner
from shared.jobs.views import Time, Url, View, rfc3339
from shared.pauses.pause import Pause
from shared.specs.parts import Lane


class PauseUrls(View):
    """Where a pause is."""

    self: Url  # type: ignore[misc,unused-ignore]


class PauseView(View):
    """What is not started for a time. Jobs that run go on."""

    id: str
    object: Literal["pause"]
    reason: str
    lane: Lane | None = Field(description="Null: both.")
    model: str | None = Field(description="Null: all.")
    owner: str | None = Field(description="Whose jobs; null: everybody's.")
    by: str | None = Field(
        description="The owner of the key that made it; null for a key that is no admin's, where that is not "
        "its own."
    )
    holds: bool = Field(description="Whether it holds now; with a `window` not all day.")
    until: Time | None = Field(description="When it ends by itself and is forgotten; null: it does not.")
    window: str | None = Field(description="The part of each day in which it holds; null: all day.")
    timezone: str | None = Field(description="Of the window.")
    window_starts_at: Time | None = Field(description="When it began to hold this time, or will next.")
    window_ends_at: Time | None = Field(description="When it stops to hold after that.")
    created_at: Time
    urls: PauseUrls


class PauseList(View):
    """All pauses that hold for what one may see, the latest first."""

    object: Literal["list"]
    data: list[PauseView]


def pause_view(pause: Pause, now_ms: int) -> PauseView:
    """Return the representation of a pause."""
    window = pause.window
    return PauseView(
        id=pause.id,
        object="pause",
        reason=pause.reason,
        lane=pause.lane,
        model=pause.model,
        owner=pause.owner,
        by=pause.by if may_know_of_others() or pause.by == owner() else None,
        holds=pause.holds(now_ms),
        until=None if pause.ends_at is None else rfc3339(pause.ends_at),
        window=window.text if window else None,
        timezone=window.zone.key if window else None,
        window_starts_at=rfc3339(pause.starts) if window else None,
        window_ends_at=rfc3339(pause.stops) if window else None,
        created_at=rfc3339(pause.created_at),
        urls=PauseUrls(self=f"{base_url()}/v1/pauses/{pause.id}"),
    )
