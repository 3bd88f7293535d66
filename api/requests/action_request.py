"""A request for a bulk action: which jobs, and what to do with each."""

from pydantic import BaseModel, ConfigDict, Field

from api.requests.query import JobFilterQuery
from shared.access.key import NAME
from shared.actions.action import ALLOWED, OF_ITEMS, Deed
from shared.errors import InvalidRequest
from shared.jobs.moving import End, Move
from shared.specs.parts import LaneName
from shared.specs.webhook import ActionWebhook

PLACES = ("to", "lane")


class ActionRequest(BaseModel):
    """What to do with all jobs that a filter admits."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    do: Deed
    filter: JobFilterQuery = Field(
        description="As the parameters of the list of jobs; `{}` is all. Without `status`, jobs whose status "
        "allows it: queued and running ones can be canceled, queued ones moved, ended ones deleted, and "
        "those tried again that failed, were canceled or expired."
    )
    to: End | None = Field(default=None, description="Of a move: the end of the queue.")
    lane: LaneName | None = Field(default=None, description="Of a move: the lane.")
    owner: str | None = Field(
        default=None, pattern=f"^{NAME}$", description="Whose jobs; another owner's for admins."
    )
    webhook: ActionWebhook | None = Field(default=None, description="Told once, when it is over.")
    dry_run: bool = Field(default=False, strict=True, description="Count the jobs, and change nothing.")

    @property
    def move(self) -> Move:
        """Where to, of a move."""
        return Move(self.to, self.lane)

    @property
    def items(self) -> bool:
        """Whether items of batches are among the jobs."""
        return self.do in OF_ITEMS and self.filter.with_items

    def check(self) -> None:
        """Raise InvalidRequest where the parts do not go together."""
        given = [name for name in PLACES if getattr(self, name) is not None]
        if self.do is Deed.MOVE and not given:
            raise InvalidRequest.of_field("/to", "to or lane must be given: front, back; interactive, bulk")
        if self.do is not Deed.MOVE and given:
            raise InvalidRequest.of_field(f"/{given[0]}", f"{given[0]} is for do: move alone")
        self._check_filter()

    def _check_filter(self) -> None:
        status, allowed = self.filter.status, ALLOWED[self.do]
        if status is not None and status not in allowed:
            names = ", ".join(sorted(allowed))
            text = f"filter.status must be one with which jobs can be part of a {self.do}: {names}"
            raise InvalidRequest.of_field("/filter/status", text)
        if self.filter.items and self.do not in OF_ITEMS:
            text = f"filter.items must not be true: {self.do} is done with a whole batch, not with its items"
            raise InvalidRequest.of_field("/filter/items", text)
