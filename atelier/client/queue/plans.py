"""`client.stats.plan()`: what many jobs would take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from atelier.client.errors import reading


@dataclass(frozen=True, slots=True)
class Amount:
    """Something between two numbers: no plan knows it better."""

    low: float
    high: float
    basis: str  # what the range rests on, in words


@dataclass(frozen=True, slots=True)
class Plan:
    """What many jobs would take."""

    model: str
    jobs: int
    deadline_seconds: int
    size: str | None  # of each content picture, "1024x768"; None of kinds without content
    seconds_a_job: Amount  # for which a job keeps one slot of a worker busy
    slots_a_worker: float  # jobs that a worker carries out at once at full speed
    workers_wanted: Amount  # that end all of it by the deadline
    workers: int  # that `hours` counts on; 0 where none lives
    hours: Amount | None  # with these workers; None where there are none
    kept_jobs: int  # whose results are kept at once
    storage_bytes: Amount  # of the results of these
    input_bytes: Amount | None  # of the content that is sent; None of kinds without
    store_bytes: Amount  # of the job store's memory
    warnings: tuple[str, ...]  # what is assumed, and what does not fit
    raw: Mapping[str, Any] = field(default_factory=dict, repr=False)  # the whole document


def plan_from_json(body: Any) -> Plan:
    """Return the plan that a document describes; raise ProtocolError where it is another one."""
    with reading("a plan"):
        numbers = ("model", "jobs", "deadline_seconds", "size", "slots_a_worker", "workers", "kept_jobs")
        return Plan(
            **{name: body[name] for name in numbers},
            seconds_a_job=_amount(body["seconds_a_job"]),
            workers_wanted=_amount(body["workers_wanted"]),
            hours=body["hours"] and _amount(body["hours"]),
            storage_bytes=_amount(body["storage_bytes"]),
            input_bytes=body["input_bytes"] and _amount(body["input_bytes"]),
            store_bytes=_amount(body["store_bytes"]),
            warnings=tuple(body["warnings"]),
            raw=body,
        )


def _amount(body: Mapping[str, Any]) -> Amount:
    return Amount(body["low"], body["high"], body["basis"])
