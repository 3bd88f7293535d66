"""A request to read many jobs at once."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.jobs.views import JobView

MOST_IDS = 500
FIELDS = tuple(JobView.model_fields)
COSTLY = "queue"  # computed for each job from all that is before it
JobField = Literal[FIELDS]  # type: ignore[valid-type]


class ReadRequest(BaseModel):
    """Which jobs to read, and what of each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    ids: list[Annotated[str, Field(min_length=1, max_length=200)]] = Field(
        min_length=1, max_length=MOST_IDS, description="Ids of jobs; items of batches are jobs too."
    )
    fields: list[JobField] = Field(
        default=[name for name in FIELDS if name != COSTLY],
        min_length=1,
        max_length=len(FIELDS),
        description="What to tell of each job; without it, everything but `queue`.",
    )
