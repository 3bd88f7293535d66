"""What a dry run is answered, as JSON and in the OpenAPI document."""

from typing import Literal

from pydantic import Field

from api.responses.views import Problem
from shared.jobs.views import View


class EstimateView(View):
    """What a submission would come to. Nothing of it was stored, and nothing is held for it."""

    object: Literal["estimate"]
    accepted: bool = Field(description="Whether it would be accepted now: there are no `problems`.")
    problems: list[Problem] = Field(
        description="Each with which it would be refused, as it would be told then: faults of fields and "
        "items, models that no worker has, quotas, room."
    )
    repeats: str | None = Field(
        description="The job or batch that the same request made before, under its key or id: it would be "
        "found, and nothing made. The amounts are 0 then."
    )
    items: int = Field(description="Jobs that it asks for.")
    refused_items: int = Field(description="Those at fault; the amounts are of the others.")
    pictures: int = Field(description="Files that they make.")
    pixels: int = Field(description="Of all pictures that they make; 0 for a job whose picture is missing.")
    bytes: int = Field(description="Of the storage that these take, about; quotas count so too.")
    work_seconds: float | None = Field(
        description="For which they keep one slot of a worker busy, without what `cache` saves, by the times "
        "of earlier jobs. Null where such work was not measured yet."
    )
    eta_seconds: float | None = Field(
        description="Until all of them would be done, behind what waits now. Null where no worker lives, or "
        "such work was not measured. With an API key that is no admin's, both times are as "
        "if only the owner's own jobs ran."
    )
