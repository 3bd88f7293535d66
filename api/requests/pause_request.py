"""Requests to pause: a batch, or a lane, a model, an owner, everything."""

from typing import Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, field_validator, model_validator

from api.requests.query import Moment
from shared.access.key import NAME
from shared.errors import InvalidRequest
from shared.pauses.pause import REASON
from shared.pauses.window import DayWindow, zone_of
from shared.specs.parts import LaneName

MOST_SECONDS = 366 * 24 * 3600


class PauseEnd(BaseModel):
    """When a pause ends by itself."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    until: Moment | None = Field(
        default=None, description="When it ends (RFC 3339, with its zone); without it, when somebody ends it."
    )
    for_seconds: Annotated[int, Field(ge=1, le=MOST_SECONDS)] | None = Field(
        default=None, description="In how many seconds it ends, in place of `until`."
    )

    @model_validator(mode="after")
    def _ends_once(self) -> Self:
        if self.until is not None and self.for_seconds is not None:
            raise ValueError("a pause may have `until` or `for_seconds`, not both")
        return self

    def ends_at(self, now_ms: int) -> int | None:
        """Return when it ends, in milliseconds since the epoch; raise InvalidRequest if that is no time."""
        if self.for_seconds is not None:
            return now_ms + self.for_seconds * 1000
        if self.until is None:
            return None
        ends_at = int(self.until.timestamp() * 1000)
        if not now_ms < ends_at <= now_ms + MOST_SECONDS * 1000:
            text = f"until must be in the future, by {MOST_SECONDS // 86400} days at most; got {self.until}"
            raise InvalidRequest.of_field("/until", text)
        return ends_at


class BatchPauseRequest(PauseEnd):
    """A pause of a batch."""

    reason: Annotated[str, Field(pattern=REASON)] | None = Field(
        default=None, description="Why; the batch shows it."
    )


class PauseRequest(PauseEnd):
    """A pause of a lane, a model, an owner, or what all of them name together; of everything without them."""

    reason: Annotated[str, Field(pattern=REASON)] = Field(
        description="Why; shown to everybody whose jobs wait for it."
    )
    lane: LaneName | None = Field(default=None, description="Jobs of this lane alone.")
    model: str | None = Field(default=None, max_length=64, description="Jobs of this model alone.")
    owner: Annotated[str, Field(pattern=f"^{NAME}$")] | None = Field(
        default=None,
        description="Jobs of this owner alone; a key that is no admin's pauses its own owner's in any case.",
    )
    window: str | None = Field(
        default=None,
        description="The part of each day in which it holds, such as `01:00-07:00`; it goes over midnight "
        "where it ends earlier than it begins. Without it, all day.",
    )
    timezone: str = Field(
        default="UTC", max_length=64, description="Of the window: an IANA name, such as Europe/Berlin."
    )

    @field_validator("window")
    @classmethod
    def _is_window(cls, value: str | None) -> str | None:
        if value is not None:
            DayWindow.parse(value, "UTC")
        return value

    @field_validator("timezone")
    @classmethod
    def _is_zone(cls, value: str) -> str:
        zone_of(value)
        return value

    @model_validator(mode="after")
    def _has_a_window_for_its_zone(self) -> Self:
        if self.window is None and "timezone" in self.model_fields_set:
            raise ValueError("a `timezone` is for a `window` alone")
        return self

    @property
    def day_window(self) -> DayWindow | None:
        """The window; None where there is none."""
        return None if self.window is None else DayWindow.parse(self.window, self.timezone)
