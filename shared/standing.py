"""The standing of an attempt: may it still change its job, and if not, why?"""

from typing import Literal

from shared.errors import DeadlineExceeded, JobCanceled, LeaseLost

Standing = Literal["ok", "canceled", "expired", "lost"]


def stand(standing: Standing, job_id: str) -> None:
    """Raise JobCanceled, DeadlineExceeded or LeaseLost where an attempt of the job must stop."""
    if standing == "canceled":
        raise JobCanceled(f"the job {job_id} was canceled")
    if standing == "expired":
        raise DeadlineExceeded(f"the deadline of the job {job_id} has passed")
    if standing == "lost":
        raise LeaseLost(f"the attempt at {job_id} is not the current one")
