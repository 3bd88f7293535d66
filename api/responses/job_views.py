"""What lists of jobs, and jobs read at once, look like, as JSON and in the OpenAPI document."""

from typing import Any, Literal

from pydantic import Field, GetJsonSchemaHandler
from pydantic_core import CoreSchema

from shared.jobs.views import JobView, View


class Parts(View):
    """The fields of a view that were asked for."""

    @classmethod
    def __get_pydantic_json_schema__(
        cls, core_schema: CoreSchema, handler: GetJsonSchemaHandler
    ) -> dict[str, Any]:
        """Return the schema of the view, with no field that must be there."""
        schema = handler(core_schema)
        handler.resolve_ref_schema(schema).pop("required", None)
        return schema


class JobPart(JobView, Parts):
    """The fields of a job that were asked for."""


class JobsRead(View):
    """Jobs that were read at once."""

    object: Literal["list"]
    data: list[JobView | JobPart]
    missing: list[str] = Field(description="Ids that are no job of yours, or not any more.")
    unread: list[str] = Field(description="Ids to ask for again: the response has its size.")


class JobPage(View):
    """Some jobs."""

    object: Literal["list"]
    data: list[JobView | JobPart] = Field(description="With `fields`, these of each job alone.")
    next_cursor: str | None = Field(description="Hand it back as `cursor`; null on the last page.")
    unlisted_items: int | None = Field(
        default=None,
        description="How many items of batches, of the status asked for, the list of jobs leaves out, before "
        "any other filter. Null where they are listed, and on later pages.",
    )
