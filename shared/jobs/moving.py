"""Where a waiting job or batch may be moved, and why one may not."""

from dataclasses import dataclass
from enum import StrEnum

from shared.errors import IllegalMove
from shared.identifiers import batch_of
from shared.specs.parts import Lane


class End(StrEnum):
    """An end of the queue that an owner has in a lane."""

    FRONT = "front"
    BACK = "back"


@dataclass(frozen=True, slots=True)
class Move:
    """A new place: at an end of its owner's queue, in a lane, or both; None where it stays."""

    to: End | None = None
    lane: Lane | None = None

    @classmethod
    def of(cls, to: str | None, lane: str | None) -> "Move":
        """Return the move that two texts name."""
        return cls(End(to) if to else None, Lane(lane) if lane else None)

    @property
    def arguments(self) -> tuple[str, str]:
        """The arguments of the scripts that move."""
        return self.to or "", self.lane or ""


NOWHERE = Move()


def refusal_of_move(job_id: str, outcome: str, leader: str) -> IllegalMove:
    """Return the error for an outcome of the script that moves a job, which follows the job `leader`."""
    if outcome == "item":
        return IllegalMove(f"the job is an item of the batch {batch_of(job_id)}, which is moved as a whole")
    if outcome == "follower":
        return IllegalMove(f"the job takes over the result of the equal job {leader}: move that one")
    return IllegalMove(f"a job that is {outcome} cannot be moved")
