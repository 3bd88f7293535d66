"""A request to move a waiting job or batch."""

from pydantic import BaseModel, ConfigDict, Field

from api.requests.body import json_body
from api.requests.field_errors import validated
from shared.errors import InvalidRequest
from shared.jobs.moving import End, Move
from shared.specs.parts import LaneName


class MoveRequest(BaseModel):
    """Where it goes: to an end of its owner's queue, into a lane, or both."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    to: End | None = Field(
        default=None,
        description="Before or after all that its owner has waiting in the lane; without it, it goes by the "
        "time of its acceptance, or as it was moved last.",
    )
    lane: LaneName | None = Field(default=None, description="Without it, it stays in its lane.")


def asked_move() -> Move:
    """Return the move that the body of this request asks for; raise InvalidRequest."""
    asked = validated(MoveRequest, json_body())
    if asked.to is None and asked.lane is None:
        raise InvalidRequest.of_field("/to", "to or lane must be given: front, back; interactive, bulk")
    return Move(asked.to, asked.lane)
