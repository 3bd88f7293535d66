"""Makes batches of some of a run's orders: every tenth job is an item."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import replace

from tests.chaos.plan import BatchOrder, Order

STAMPEDE = 50  # requests at once with one key; not for an item
SHARE = 0.05  # of all orders, that goes into a batch
# Where a batch's first item may stand among all orders. The first batch often holds the poison job.
PLACES = ((0.02, 0.12), (0.45, 0.6))


def draw_batches(draw: random.Random, orders: Sequence[Order]) -> Iterator[BatchOrder]:
    """Draw the batches of a run whose orders are numbered from 0; a batch's items follow each other there."""
    size = max(2, round(SHARE * len(orders)))
    for number, (earliest, latest) in enumerate(PLACES):
        first = int(draw.uniform(earliest, latest) * len(orders))
        items = [order for order in orders[first : first + size] if order.copies < STAMPEDE]
        yield _batch(draw, number, items)


def _batch(draw: random.Random, number: int, items: Sequence[Order]) -> BatchOrder:
    at = min(order.at for order in items)
    return BatchOrder(
        number=number,
        at=at,
        orders=tuple(_item(order, number, at) for order in items),
        lane=draw.choice(("bulk", "interactive")),
        copies=draw.choice((1, 1, 4)),
        gives_up_first=draw.random() < 0.3,
        pause_after=round(draw.uniform(0, 3), 3) if draw.random() < 0.5 else None,
        move_after=round(draw.uniform(0, 3), 3),
        sample=draw.choice((None, 5)),
        has_brake=draw.random() < 0.5,
    )


def _item(order: Order, batch: int, at: float) -> Order:
    """What may be done to a single job, and not to an item, is left out."""
    return replace(
        order,
        at=at,
        batch=batch,
        copies=1,
        by_id=False,
        gives_up_first=False,
        is_deleted=False,
        is_followed=False,
        is_polled=False,
        move_after=None,
    )
