"""What versions of a model and rollouts look like, as JSON and in the OpenAPI document."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.cards.card import ModelCard
from shared.jobs.views import Time, View, rfc3339
from shared.rollouts.outcomes import Outcomes
from shared.rollouts.store import Rollout

LONGEST_VERSION = 64  # characters, as cards have it


class RolloutRequest(BaseModel):
    """The version that a share of a model's new jobs is to get."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    version: Annotated[str, Field(min_length=1, max_length=LONGEST_VERSION)] = Field(
        description="Another one than the current: its card is in a file `name@version.json`."
    )
    share: Annotated[float, Field(gt=0, le=1)] = Field(
        description="Of the new jobs that name no version: 0.1 is one in ten, 1 all."
    )


class RolloutView(View):
    """The version that a share of a model's new jobs gets."""

    object: Literal["rollout"]
    model: str
    version: str
    share: float
    began_at: Time = Field(description="When this version was first rolled out; a new share changes nothing.")
    by: str | None = Field(description="The owner of the key that set it; null for a key that is no admin's.")


class OutcomesView(View):
    """How the jobs of one version ended that named it, or that a rollout gave it."""

    succeeded: int = Field(description="What was carried out; results of equal jobs do not count.")
    failed: int
    canceled: int
    expired: int
    errors: dict[str, int] = Field(description="Of those that failed, how many by code.")
    run_seconds_p50: float | None = Field(
        description="Half of the latest that succeeded, 256 at most, were done within this; null without one."
    )
    run_seconds_p95: float | None = Field(description="The same of 95 in 100.")


class VersionView(View):
    """One version of a model."""

    object: Literal["model_version"]
    model: str
    version: str
    reference: str = Field(
        description="What a job gives as `model` to get this version whatever comes later."
    )
    current: bool = Field(description="Whether jobs get it that name no version and are in no rollout.")
    available: bool | None = Field(
        description="Whether a live worker has it, so that jobs may name it; null where none lives or says."
    )
    workers: int | None = Field(
        description="Live workers that have it, loaded or not; null for an API key that is no admin's."
    )
    outcomes: OutcomesView | None = Field(
        description="Since its rollout began, for 31 days after the last; null for a key of no admin."
    )


class VersionList(View):
    """The versions of a model, the current first."""

    object: Literal["list"]
    model: str
    rollout: RolloutView | None
    data: list[VersionView]


def rollout_view(rollout: Rollout, *, tells_all: bool) -> RolloutView:
    """Return the representation of a rollout."""
    return RolloutView(
        object="rollout",
        model=rollout.model,
        version=rollout.version,
        share=rollout.share,
        began_at=rfc3339(rollout.began_at),
        by=rollout.by if tells_all else None,
    )


def version_view(
    card: ModelCard, *, current: bool, available: bool | None, workers: int | None, outcomes: Outcomes | None
) -> VersionView:
    """Return the representation of a version, whose card is pinned."""
    return VersionView(
        object="model_version",
        model=card.name,
        version=card.version,
        reference=card.reference,
        current=current,
        available=available,
        workers=workers,
        outcomes=None if outcomes is None else _outcomes_view(outcomes),
    )


def _outcomes_view(outcomes: Outcomes) -> OutcomesView:
    ended = outcomes.ended
    return OutcomesView(
        succeeded=ended.get("succeeded", 0),
        failed=ended.get("failed", 0),
        canceled=ended.get("canceled", 0),
        expired=ended.get("expired", 0),
        errors=dict(sorted(outcomes.errors.items(), key=lambda entry: (-entry[1], entry[0]))),
        run_seconds_p50=outcomes.quantile(0.5),
        run_seconds_p95=outcomes.quantile(0.95),
    )
