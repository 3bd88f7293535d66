"""What quotas and usage look like, as JSON and in the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.jobs.views import View
from shared.owners.quota import MOST_WEIGHT, Quota
from shared.owners.usage import DayUsage

Limit = Annotated[int, Field(strict=True, ge=0, lt=2**53)]  # what every reader of JSON knows exactly

Weight = Annotated[int, Field(strict=True, ge=1, le=MOST_WEIGHT)]

QUEUED = "Jobs that wait, items of batches included."
RUNNING = "Jobs that run at once; more of them wait."
STORED = "Bytes of files and results, and of those that unfinished jobs are expected to make."
PIXELS = "Pixels of the results of jobs that were accepted today (UTC) and started, or wait."
WEIGHT = (
    f"1 to {MOST_WEIGHT}: how many turns the owner has where one of weight 1 has one, while work of both "
    "waits in a lane."
)


class Amounts(View):
    """An amount of each thing that a quota limits."""

    queued: int = Field(description=QUEUED)
    running: int = Field(description=RUNNING)
    stored_bytes: int = Field(description=STORED)
    daily_pixels: int = Field(description=PIXELS)


class OwnLimits(BaseModel):
    """Limits of one owner. What is null or left out is as the service's settings have it; 0 is no limit."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    queued: Limit | None = Field(default=None, description=QUEUED)
    running: Limit | None = Field(default=None, description=RUNNING)
    stored_bytes: Limit | None = Field(default=None, description=STORED)
    daily_pixels: Limit | None = Field(default=None, description=PIXELS)
    weight: Weight | None = Field(default=None, description=f"{WEIGHT} Null is 1.")


class QuotaView(View):
    """What an owner may have, and what it has."""

    object: Literal["quota"]
    owner: str
    own: OwnLimits = Field(description="What was set for this owner.")
    limits: Amounts = Field(description="What holds: its own limits, else the service's; 0 is no limit.")
    used: Amounts
    weight: int = Field(description=WEIGHT)


class UsageView(View):
    """What jobs of one owner, key and model took on one day."""

    day: str = Field(description="In UTC: the day on which attempts ended.")
    owner: str
    key: str | None = Field(description="Id of the API key that sent them; null where none was needed.")
    model: str
    jobs: int = Field(description="That succeeded; those that took over the result of an equal one are none.")
    runner_seconds: float = Field(
        description="Time in workers' slots, of attempts that failed or were canceled too; not of those that "
        "the service broke off."
    )
    pixels: int = Field(description="Of the results; of animations, of all frames.")
    bytes: int = Field(description="Of the results, in blocks of 4096.")


class UsageList(View):
    """Usage by day, owner, key and model; what is zero is left out."""

    object: Literal["list"]
    since: str
    until: str
    data: list[UsageView]


def quota_view(owner: str, quota: Quota) -> QuotaView:
    """Return the quota's representation."""
    return QuotaView(
        object="quota",
        owner=owner,
        own=OwnLimits(**quota.own, weight=quota.own_weight),
        limits=Amounts(**quota.limits),
        used=Amounts(**quota.used),
        weight=quota.weight,
    )


def usage_view(entry: DayUsage) -> UsageView:
    """Return the representation of one entry."""
    usage = entry.usage
    return UsageView(
        day=entry.day.isoformat(),
        owner=usage.owner,
        key=usage.key,
        model=usage.model,
        jobs=usage.jobs,
        runner_seconds=usage.milliseconds / 1000,
        pixels=usage.pixels,
        bytes=usage.bytes,
    )
