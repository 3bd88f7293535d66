"""What a plan looks like, as JSON and in the OpenAPI document."""

from typing import Literal

from pydantic import Field

from shared.jobs.views import View
from shared.planning.amount import Amount
from shared.planning.plan import Asked, Plan


class AmountView(View):
    """Something between two numbers: no plan knows it better."""

    low: float
    high: float
    basis: str = Field(description="What the range rests on, in words.")


class PlanView(View):
    """What many jobs would take."""

    object: Literal["plan"]
    model: str
    jobs: int
    deadline_seconds: int
    size: str | None = Field(
        description="Of each content picture: `1024x768`; null of kinds without content."
    )
    seconds_a_job: AmountView = Field(description="For which a job keeps one slot of a worker busy.")
    slots_a_worker: float = Field(description="Jobs that a worker carries out at once at full speed.")
    workers_wanted: AmountView = Field(description="Workers that end all of it by the deadline.")
    workers: int = Field(description="Workers that `hours` counts on: as asked, else those that live.")
    hours: AmountView | None = Field(description="With these workers; null where there are none.")
    kept_jobs: int = Field(description="Jobs whose results are kept at once, by how long results stay.")
    storage_bytes: AmountView = Field(description="Of the results of these.")
    input_bytes: AmountView | None = Field(description="Of the content that is sent; null without content.")
    store_bytes: AmountView = Field(description="Of the job store's memory, all jobs being items of batches.")
    warnings: list[str] = Field(description="What is assumed, and what does not fit, in words.")


def plan_view(asked: Asked, plan: Plan) -> PlanView:
    """Return the representation of a plan."""
    content = asked.job.content
    return PlanView(
        object="plan",
        model=asked.job.card.reference,
        jobs=asked.jobs,
        deadline_seconds=asked.deadline_seconds,
        size=None if content is None else f"{content.width}x{content.height}",
        seconds_a_job=_view(plan.seconds_a_job),
        slots_a_worker=plan.slots_a_worker,
        workers_wanted=_view(plan.workers_wanted),
        workers=plan.workers,
        hours=plan.hours and _view(plan.hours),
        kept_jobs=plan.kept_jobs,
        storage_bytes=_view(plan.storage_bytes),
        input_bytes=plan.input_bytes and _view(plan.input_bytes),
        store_bytes=_view(plan.store_bytes),
        warnings=list(plan.warnings),
    )


def _view(amount: Amount) -> AmountView:
    """Return an amount with two digits that count: more would say more than is known."""
    return AmountView(low=_rounded(amount.low), high=_rounded(amount.high), basis=amount.basis)


def _rounded(value: float) -> float:
    return float(f"{value:.2g}")
