"""A small run without faults, as data, for tests of what judges runs."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from tests.chaos.clients.ledger import Entry
from tests.chaos.judging.facts import Claim, Facts, Happening, JobFacts
from tests.chaos.plan import Plan, Scale
from tests.chaos.schedule import draw_plan

DIGEST = "a" * 64
START = 1_000_000  # milliseconds

Change = Callable[..., Facts]


@pytest.fixture
def plan() -> Plan:
    drawn = draw_plan(1, Scale(jobs=40, seconds=10, lease_seconds=2, has_trials=False))
    orders = [replace(order, cancel_after=None, is_deleted=False) for order in drawn.orders]
    return replace(drawn, orders=tuple(sorted(orders, key=lambda order: order.number)))


def story(*statuses: str) -> tuple[Happening, ...]:
    """Return a job's events, a tenth of a second apart; claims are numbered."""
    reported: list[Happening] = []
    for number, status in enumerate(statuses):
        data: dict[str, Any] = {"status": status}
        if status == "running":
            data["attempt"] = 1 + sum(event.data["status"] == "running" for event in reported)
        reported.append(Happening(f"{START + 100 * number}-0", "state", data))
    return tuple(reported)


def job_of(entry: Entry) -> JobFacts:
    """Return a job as it should come out."""
    if entry.order.request.is_poison:
        lost = story("queued", *["running", "queued"] * 4, "running", "failed")
        return JobFacts(entry.id, 200, "failed", attempt=5, crashes=5, error="worker_lost", events=lost)
    key = f"outputs/{entry.id}/1/0.png"
    return JobFacts(
        id=entry.id,
        response=200,
        status="succeeded",
        attempt=1,
        outputs=(DIGEST,),
        served=(DIGEST,),
        keys=(key,),
        events=story("queued", "running", "succeeded"),
        claims=(Claim(START + 100, 7),),
        completed=START + 200,
    )


@pytest.fixture
def facts(plan: Plan) -> Facts:
    """A run in which everything went well."""
    entries = {}
    for order in plan.orders:
        name = f"name-{order.number}"
        job_id = name if order.by_id else f"job-{order.number}"
        entries[order.number] = Entry(order, name, ids=[job_id] * order.copies, accepted_at=1.0)
    jobs = {entry.id: job_of(entry) for entry in entries.values()}
    calm = {request.name: (DIGEST,) for request in plan.pool.harmless}
    return Facts(plan, entries, jobs, calm, frozenset(key for job in jobs.values() for key in job.keys))


@pytest.fixture
def victim(facts: Facts) -> Entry:
    """An ordinary entry."""
    return next(entry for entry in facts.entries.values() if not entry.order.request.is_poison)


@pytest.fixture
def changed(facts: Facts, victim: Entry) -> Change:
    """Return the run with the victim's job, or its entry's order, otherwise than it should be."""

    def change(**fields: Any) -> Facts:
        jobs = {**facts.jobs, victim.id: replace(facts.jobs[victim.id], **fields)}
        return replace(facts, jobs=jobs)

    return change
