"""Job statuses, the transitions between them, and whether an attempt may still change its job."""

from enum import StrEnum
from typing import Literal

from shared.errors import AtelierError


class Status(StrEnum):
    """Where a job stands. A status that TRANSITIONS does not name is terminal."""

    QUEUED = "queued"  # accepted, waiting for a worker
    RUNNING = "running"  # one worker holds the lease
    SUCCEEDED = "succeeded"  # the outputs can be read
    FAILED = "failed"  # gave up; `error` says why
    CANCELED = "canceled"  # withdrawn by the client
    EXPIRED = "expired"  # its deadline passed

    @property
    def is_terminal(self) -> bool:
        """Whether the status is final."""
        return self not in TRANSITIONS


TRANSITIONS: dict[Status, frozenset[Status]] = {
    # It fails without an attempt where a job made nothing whose output it takes.
    Status.QUEUED: frozenset({Status.RUNNING, Status.FAILED, Status.CANCELED, Status.EXPIRED}),
    Status.RUNNING: frozenset(
        {Status.SUCCEEDED, Status.FAILED, Status.CANCELED, Status.EXPIRED, Status.QUEUED}
    ),
}


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"  # an error that another attempt cannot fix
    TRANSIENT = "transient"  # an error that another attempt may avoid
    RELEASED = "released"  # returned to the queue at the worker's shutdown; not counted
    LOST = "lost"  # the worker died or froze
    CANCELED = "canceled"
    EXPIRED = "expired"  # the deadline passed
    REQUEUED = "requeued"  # an operator took it from its worker; not counted


LeaseState = Literal["ok", "canceled", "expired", "lost"]


def ensure_current(state: LeaseState, job_id: str) -> None:
    """Raise JobCanceled, DeadlineExceeded or LeaseLost if an attempt of the job must stop."""
    if state == "canceled":
        raise JobCanceled(f"the job {job_id} was canceled")
    if state == "expired":
        raise DeadlineExceeded(f"the deadline of the job {job_id} has passed")
    if state == "lost":
        raise LeaseLost(f"the attempt at {job_id} is not the current one")


class LeaseLost(AtelierError):
    """Raised inside a worker whose attempt is no longer the current one; it must drop its result."""

    code = "lease_lost"
    title = "The attempt is no longer current"


class JobCanceled(LeaseLost):
    """Raised inside a worker when the client canceled the job."""

    code = "job_canceled"
    title = "The job was canceled"


class DeadlineExceeded(LeaseLost):
    """Raised inside a worker when the job's deadline passed; an expired job's `error` has the same code."""

    code = "deadline_exceeded"
    title = "The job was not done by its deadline"
