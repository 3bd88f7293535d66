"""What problems and pages of jobs look like, as JSON and in the OpenAPI document."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.job_view import FaultView, JobView, View


class Problem(BaseModel):
    """An error, as RFC 9457 has it."""

    model_config = ConfigDict(frozen=True)

    type: str = Field(description="Stable address that explains the code.")
    title: str
    status: int
    detail: str
    code: str = Field(description="Stable and machine readable; the same as the last part of `type`.")
    instance: str
    request_id: str
    errors: list[FaultView] = Field(description="Every field at fault; empty where no field is.")


class JobPage(View):
    """Some jobs, newest first."""

    object: Literal["list"]
    data: list[JobView]
    next_cursor: str | None = Field(description="Hand it back as `cursor`; null on the last page.")
    unlisted_items: int | None = Field(
        default=None,
        description="How many items of batches, of the status asked for, the list of jobs leaves out, before "
        "any other filter. Null where they are listed, and on later pages.",
    )
