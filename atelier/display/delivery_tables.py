"""Deliveries of webhooks as people read them in a terminal."""

from collections.abc import Iterable

from atelier.client.queue.deliveries import Delivery, DeliveryTry
from atelier.display.table import FactSheet, Table
from atelier.display.time_format import say_exactly, say_moment


def delivery_table(deliveries: Iterable[Delivery]) -> Table:
    """Return a row for each delivery: what happened to what, how it stands, and how the latest try went."""
    table = Table("delivery", "event", "about", "status", "created", "tries", "latest try")
    for delivery in deliveries:
        created, count = say_moment(delivery.created_at), str(len(delivery.tries))
        latest = say_try(delivery.tries[-1]) if delivery.tries else ""
        table.add(delivery.id, delivery.type, delivery.subject, delivery.status, created, count, latest)
    return table


def delivery_page(delivery: Delivery) -> FactSheet:
    """Return all that is known of a delivery."""
    page = FactSheet()
    page.add("delivery", delivery.id)
    page.add("event", delivery.type)
    page.add("about", delivery.subject)
    page.add("to", f"{delivery.template} {delivery.url}" if delivery.template else delivery.url)
    page.add("status", delivery.status)
    page.add("created", say_moment(delivery.created_at))
    if delivery.next_try_at:
        page.add("next try", say_moment(delivery.next_try_at))
    for one in delivery.tries:
        page.add("try", f"{say_exactly(one.at) if one.at else ''} {say_try(one)}")
    return page


def say_try(one: DeliveryTry) -> str:
    """Return how a try went, in one line."""
    came = "no response" if one.status_code is None else str(one.status_code)
    return f"{came} in {one.milliseconds} ms" + (f": {one.error}" if one.error else "")
