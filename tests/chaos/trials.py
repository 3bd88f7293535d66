"""The faults that strike alone after the storm, and the jobs for them to hit, drawn from the seed."""

import random
from collections.abc import Iterator

from tests.chaos.clients.requests import JobRequest, Pool
from tests.chaos.plan import MODEL_WORKERS, Fault, Order, Scale, Trial


def draw_trials(draw: random.Random, pool: Pool, scale: Scale) -> Iterator[Trial]:
    """Draw the faults that strike alone: one of each kind that has a time to keep."""
    if not scale.has_trials:
        return
    first, second = draw.sample(MODEL_WORKERS, 2)
    third, fourth = draw.sample(MODEL_WORKERS, 2)
    lost = draw.choice(("half_open", "black_hole"))
    faults = [
        Fault(0, "kill", first),
        Fault(0, "stop", second, scale.lease_seconds + 4),
        Fault(0, "term", third),
        Fault(0, "kill", "redis"),
        Fault(0, lost, fourth, 3.0 if lost == "black_hole" else 0.0),
    ]
    number = scale.jobs
    for fault in draw.sample(faults, len(faults)):
        requests = _trial_requests(draw, pool, fault)
        number -= len(requests)
        yield Trial(tuple(_trial_order(draw, number + i, at, w) for i, (at, w) in enumerate(requests)), fault)


def _trial_requests(draw: random.Random, pool: Pool, fault: Fault) -> list[tuple[float, JobRequest]]:
    """A few long jobs to hit, and short ones after where they show that work goes on."""
    longest = sorted(pool.dwelling, key=lambda request: request.seconds)[-6:]
    burst = [(0.0, draw.choice(longest)) for _ in range(5)]
    if fault.target == "redis":
        return [*burst, *((0.3 * step, draw.choice(pool.light)) for step in range(1, 21))]
    if fault.kind in ("half_open", "black_hole"):
        return [*burst, *((1.0 + second, draw.choice(pool.light)) for second in range(20))]
    return burst


def _trial_order(draw: random.Random, number: int, at: float, request: JobRequest) -> Order:
    return Order(
        number=number,
        at=at,
        request=request,
        lane="interactive",
        by_id=draw.random() < 0.25,
        copies=1,
        gives_up_first=False,
        cancel_after=None,
        is_deleted=False,
        is_followed=False,
        is_polled=False,
    )
