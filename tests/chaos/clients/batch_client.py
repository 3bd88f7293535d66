"""A client that sends its orders as one batch, and reads every result as it comes."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

from tests.chaos.clients.ledger import BatchEntry, Entry, Ledger, Seen
from tests.chaos.clients.wire import Wire
from tests.chaos.plan import BatchOrder

PAUSED_SECONDS = 1.0  # for which a paused batch stays so
PAGE = 100  # items a request
MOVES = ({"to": "front"}, {"to": "back", "lane": "interactive"}, {"lane": "bulk"}, {"to": "back"})

OnAccepted = Callable[[list[Entry]], None]


def carry_out_batch(
    wire: Wire, ledger: Ledger, order: BatchOrder, *, run: str, on_accepted: OnAccepted
) -> None:
    """Have a batch accepted, pause and move it as ordered, and note each result; raise OutOfTime."""
    batch = ledger.intend_batch(order, f"{run}-batch-{order.number}")
    items = {str(item.number): ledger.intend(item, f"{batch.name}-{item.number}") for item in order.orders}
    for item in order.orders:
        wire.upload(item.request)
    _submit_all(wire, ledger, batch, items)
    on_accepted(list(items.values()))
    if order.pause_after is not None:
        _pause(wire, batch.id, order.pause_after)
    if order.move_after is not None:
        move(wire, f"/v1/batches/{batch.id}", order.number, order.move_after)
    for result in _results(wire, batch):
        items[result["custom_id"]].seen.append(Seen.of(result))


def _submit_all(wire: Wire, ledger: Ledger, batch: BatchEntry, items: dict[str, Entry]) -> None:
    copies = batch.order.copies
    if batch.order.gives_up_first:
        wire.hang_up("POST", "/v1/batches", {"Idempotency-Key": batch.name}, _body(batch.order))
    with ThreadPoolExecutor(copies) as pool:
        submitted = [pool.submit(submit_batch, wire, ledger, batch) for _ in range(copies)]
    for batch_id in dict.fromkeys(future.result() for future in submitted):
        for item in _items(wire, batch_id):
            ledger.accept(items[item["custom_id"]], item["id"])


def _body(order: BatchOrder) -> dict[str, Any]:
    items = [{**item.request.body, "custom_id": str(item.number)} for item in order.orders]
    settings = {"name": f"batch {order.number}", "lane": order.lane, "items": items}
    settings |= {"sample": order.sample} if order.sample else {}
    return settings | ({"stop_when": {"failed": 1}} if order.has_brake else {})


def submit_batch(wire: Wire, ledger: Ledger, batch: BatchEntry) -> str:
    """Send a batch, or send it again; return the id that the response gives."""
    body = _body(batch.order)
    response = wire.insist("POST", "/v1/batches", json=body, headers={"Idempotency-Key": batch.name})
    batch_id: str = response.raise_for_status().json()["id"]
    ledger.accept_batch(batch, batch_id)
    return batch_id


def _pause(wire: Wire, batch_id: str, after: float) -> None:
    time.sleep(after)
    if wire.insist("POST", f"/v1/batches/{batch_id}/pause").is_success:  # else it is over
        time.sleep(PAUSED_SECONDS)
        # Refused where the items that ran were the last.
        wire.insist("POST", f"/v1/batches/{batch_id}/resume")


def move(wire: Wire, path: str, number: int, after: float) -> int:
    """Move a job or batch in the queue after some seconds; return the status of the response."""
    time.sleep(after)
    return wire.insist("POST", f"{path}/move", json=MOVES[number % len(MOVES)]).status_code


def _items(wire: Wire, batch_id: str) -> Iterator[dict[str, Any]]:
    cursor: dict[str, str] = {}
    while True:
        parameters = {"limit": str(PAGE), **cursor}
        page = wire.insist("GET", f"/v1/batches/{batch_id}/items", params=parameters).raise_for_status()
        yield from page.json()["data"]
        if not (after := page.json().get("next_cursor")):
            return
        cursor = {"cursor": after}


def _go_on(wire: Wire, batch: BatchEntry) -> None:
    """Resume a batch that has paused by itself."""
    view = wire.insist("GET", f"/v1/batches/{batch.id}").raise_for_status().json()
    if not view["stopped_by"]:
        return
    if view["stopped_by"] == "sample":
        batch.sampled = view["counts"]
    batch.stops += 1
    wire.insist("POST", f"/v1/batches/{batch.id}/resume")


def _results(wire: Wire, batch: BatchEntry) -> Iterator[dict[str, Any]]:
    """Yield results in the order in which the items ended, until all have."""
    after = 0
    while True:
        parameters = {"after": str(after), "wait": "2"}
        response = wire.insist("GET", f"/v1/batches/{batch.id}/finished", params=parameters)
        page = response.raise_for_status().json()
        yield from page["data"]
        if page["done"]:
            return
        after = page["next_after"]
        _go_on(wire, batch)
