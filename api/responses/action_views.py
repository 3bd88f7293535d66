"""What a list of bulk actions looks like, as JSON and in the OpenAPI document."""

from typing import Literal

from pydantic import Field

from shared.actions.views import ActionView
from shared.jobs.views import View


class ActionPage(View):
    """Some bulk actions, newest first."""

    object: Literal["list"]
    data: list[ActionView]
    next_cursor: str | None = Field(description="Hand it back as `cursor`; null on the last page.")
