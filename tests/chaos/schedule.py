"""Draws a run's history from its seed alone."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.chaos.bucket import TROUBLE
from tests.chaos.clients.batch_orders import STAMPEDE, draw_batches
from tests.chaos.clients.requests import JobRequest, Pool, draw_pool
from tests.chaos.plan import CLOCKED, MODEL_WORKERS, PROXIED, Fault, Intervention, Order, Plan, Scale
from tests.chaos.replicated import OF_OWN_SERVER
from tests.chaos.trials import draw_trials

HOUR = 3600.0
INTERVENTIONS = (("pause", ""), ("pause", "bulk"), ("pause", "interactive"), ("cordon", ""), ("drain", ""))
INTERVENTION_SECONDS = 5.0  # from one to the next, on average
CHAINED_SHARE = 0.06  # of the orders: those whose picture another one paints
ACTIONS = (0.25, 0.5, 0.75)  # when there is a bulk action, as shares of the run


def draw_plan(seed: int, scale: Scale) -> Plan:
    """Draw a run. The same seed and scale give the same plan, on every machine."""
    names = ("pool", "orders", "faults", "clocks", "trials", "batches", "operator", "chains")
    of_pool, of_orders, of_faults, of_clocks, of_trials, of_batches, of_operator, of_chains = (
        random.Random(f"{seed}/{name}") for name in names
    )
    pool = draw_pool(of_pool)
    trials = tuple(draw_trials(of_trials, pool, scale))
    stormy = replace(scale, jobs=scale.jobs - sum(len(trial.orders) for trial in trials))
    orders = list(_orders(of_orders, pool, stormy))
    batches = tuple(draw_batches(of_batches, orders))
    alone = {order.number for order in orders} - {item.number for batch in batches for item in batch.orders}
    by_time = sorted((order for order in orders if order.number in alone), key=lambda order: order.at)
    return Plan(
        seed,
        scale,
        pool,
        tuple(_with_chains(of_chains, pool, by_time)),
        tuple(_faults(of_faults, scale)),
        trials,
        _clocks(of_clocks),
        batches,
        tuple(scale.seconds * share for share in ACTIONS),
        tuple(_interventions(of_operator, scale)),
    )


def _with_chains(draw: random.Random, pool: Pool, orders: Sequence[Order]) -> Iterator[Order]:
    """Have some orders paint what the one before them makes, which is kept until then."""
    parent = None
    for order in orders:
        if parent is not None and not order.request.is_poison:
            yield replace(order, request=draw.choice(_children_of(pool, parent)), parent=parent.number)
            parent = None
        elif order.request.is_poison or draw.random() > CHAINED_SHARE:
            yield order
        else:
            made = draw.choice([child.parent for child in pool.chained if child.parent])
            parent = replace(order, request=made, is_deleted=False)
            yield parent


def _children_of(pool: Pool, order: Order) -> list[JobRequest]:
    return [child for child in pool.chained if child.parent == order.request]


def _interventions(draw: random.Random, scale: Scale) -> Iterator[Intervention]:
    """Draw what an operator does: each kind, again and again, for a few seconds."""
    at = 3.0
    kinds = draw.sample(INTERVENTIONS, len(INTERVENTIONS))
    for number in range(int(scale.seconds / INTERVENTION_SECONDS)):
        kind, lane = kinds[number % len(kinds)]
        yield Intervention(number, round(at, 2), kind, draw.choice((1.0, 2.0, 3.0)), lane)
        at += draw.uniform(0.5, 1.5) * INTERVENTION_SECONDS


def _clocks(draw: random.Random) -> dict[str, float]:
    """Wrong by an hour, never all in the same way."""
    offsets = {name: draw.choice((-HOUR, 0.0, HOUR)) for name in CLOCKED}
    one, other = draw.sample(CLOCKED, 2)
    return offsets | {one: HOUR, other: -HOUR}


def _orders(draw: random.Random, pool: Pool, scale: Scale) -> Iterator[Order]:
    stampedes = draw.sample(range(scale.jobs), 1)
    poisons = dict(zip(_poison_numbers(scale), draw.sample(pool.poison, scale.poisons), strict=True))
    for number in range(scale.jobs):
        request = poisons.get(number) or _request(draw, pool)
        at = scale.seconds * number / scale.jobs + draw.uniform(0, 0.5)
        yield _order(draw, number, at, request, copies=STAMPEDE if number in stampedes else _copies(draw))


def _poison_numbers(scale: Scale) -> list[int]:
    """Early enough to use up the crash budget while the load lasts."""
    return [scale.jobs * (1 + 3 * index) // 8 for index in range(scale.poisons)]


def _request(draw: random.Random, pool: Pool) -> JobRequest:
    kinds = (pool.light, pool.dwelling, pool.digits, pool.stylized)
    (kind,) = draw.choices(kinds, weights=(66, 26, 4, 4))
    return draw.choice(kind)


def _copies(draw: random.Random) -> int:
    return draw.choice((2, 3, 6)) if draw.random() < 0.12 else 1


def _order(draw: random.Random, number: int, at: float, request: JobRequest, *, copies: int) -> Order:
    fate, watch = draw.random(), draw.random()
    return Order(
        number=number,
        at=at,
        request=request,
        lane="bulk" if draw.random() < 0.2 else "interactive",
        by_id=draw.random() < 0.25,
        copies=copies,
        gives_up_first=draw.random() < 0.12,
        cancel_after=round(draw.uniform(0, 2), 3) if fate < 0.06 and not request.is_poison else None,
        is_deleted=0.06 <= fate < 0.09 and not request.is_poison,
        is_followed=watch < 0.1,
        is_polled=0.1 <= watch < 0.25,
        move_after=number % 5 / 4 if number % 7 == 3 else None,
    )


def _faults(draw: random.Random, scale: Scale) -> Iterator[Fault]:
    """Deal all kinds from a shuffled stack, again and again: some at once, most with room between them."""
    at = 2.0
    stack: list[Fault] = []
    while at < scale.seconds - 2:
        stack = stack or _shuffled(draw, _stack(draw, scale))
        fault = stack.pop()
        yield Fault(round(at, 2), fault.kind, fault.target, round(fault.seconds, 2))
        is_storm = draw.random() < 0.35
        at += draw.uniform(0.2, 2) if is_storm else draw.uniform(0.8, 1.6) * (scale.lease_seconds + 1)


def _shuffled(draw: random.Random, faults: Sequence[Fault]) -> list[Fault]:
    return draw.sample(faults, len(faults))


def _stack(draw: random.Random, scale: Scale) -> list[Fault]:
    lease = scale.lease_seconds

    def span(low: float, high: float) -> float:
        return draw.uniform(low, high)

    one = draw.choice
    faults = [
        *(Fault(0, "kill", name) for name in (*MODEL_WORKERS, one(MODEL_WORKERS), "api", "redis")),
        Fault(0, "kill", "worker-io"),
        *(Fault(0, "stop", name, span(lease + 1.5, lease + 4)) for name in MODEL_WORKERS),
        Fault(0, "stop", one(MODEL_WORKERS), span(0.2, 0.6) * lease),
        *(Fault(0, "stop", name, span(0.5, lease + 2)) for name in ("api", "redis")),
        *(Fault(0, "term", name) for name in MODEL_WORKERS),
        Fault(0, "term", one(("api", "redis", "worker-io"))),
        *(Fault(0, "black_hole", name, span(1, lease + 4)) for name in (one(MODEL_WORKERS), "api")),
        *(Fault(0, "half_open", name) for name in (one(MODEL_WORKERS), "api")),
        Fault(0, "cut", one(PROXIED)),
        Fault(0, "delay", one(PROXIED), span(2, 5)),
        Fault(0, "refuse", one(PROXIED), span(1, 4)),
        Fault(0, "server_full", "", span(2, 5)),
        Fault(0, "kill_all"),
    ]
    if scale.has_sentinels:
        faults = [fault for fault in faults if fault.target != "redis" and fault.kind not in OF_OWN_SERVER]
        faults += [Fault(0, "kill_primary", "primary", span(0.5, 3)) for _ in range(2)]
        faults += [Fault(0, "stop_primary", "primary", seconds) for seconds in (span(0.2, 1), span(4, 8))]
        faults += [Fault(0, "lose_replica", "replica", span(1, 4))]
    faults += [Fault(0, "disk_full", "", span(3, 6))] if scale.has_disk else []
    if scale.has_bucket:
        faults += [Fault(0, kind, "", span(1, lease + 3)) for kind in (*TROUBLE, *TROUBLE)]
    return faults
