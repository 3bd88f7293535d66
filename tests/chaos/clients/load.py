"""The clients: threads that submit, insist through every outage, withdraw, delete and look."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from typing import Any

from tests.chaos.clients.batch_client import carry_out_batch, move, submit_batch
from tests.chaos.clients.follower import follow
from tests.chaos.clients.ledger import BatchEntry, Entry, Ledger, Seen
from tests.chaos.clients.operator import intervene
from tests.chaos.clients.wire import OutOfTime, Wire
from tests.chaos.plan import BatchOrder, Intervention, Order

TERMINAL = ("succeeded", "failed", "canceled", "expired")
SUBMITTERS, FOLLOWERS = 24, 24
ACTION_SECONDS = 0.5  # between two looks at an action


class Load:
    """All clients of a run."""

    def __init__(self, url: str, ledger: Ledger, *, run: str) -> None:
        self._url = url
        self._ledger = ledger
        self._run = run  # goes into keys and ids
        self._wire = Wire(url, ledger)
        self._submitters = ThreadPoolExecutor(SUBMITTERS, "submit")
        self._followers = ThreadPoolExecutor(FOLLOWERS, "follow")
        self._futures: list[Future[None]] = []
        self._unfinished = 0  # orders without a response, and batches that are not over
        self._lock = threading.Lock()

    def submit(self, order: Order) -> None:
        """Have a thread carry out an order."""
        self._begin(self._carry_out, order)

    def submit_batch(self, order: BatchOrder) -> None:
        """Have a thread send a batch, and read its results to the end."""
        self._begin(self._carry_out_batch, order)

    @property
    def is_busy(self) -> bool:
        """Whether an order has not had its response yet, or a batch its end."""
        with self._lock:
            return self._unfinished > 0

    def _begin(self, step: Callable[..., None], order: Order | BatchOrder) -> None:
        with self._lock:
            self._unfinished += 1
        self._start(self._submitters, step, order)

    def _end(self) -> None:
        with self._lock:
            self._unfinished -= 1

    def _start(self, pool: ThreadPoolExecutor, step: Callable[..., None], *arguments: Any) -> None:
        future = pool.submit(_until_out_of_time, step, *arguments)
        with self._lock:
            self._futures.append(future)

    def _carry_out(self, order: Order) -> None:
        try:
            entry = self._have_accepted(order)
        finally:
            self._end()
        if entry.ids:
            self._follow_up(entry)

    def _carry_out_batch(self, order: BatchOrder) -> None:
        try:
            carry_out_batch(self._wire, self._ledger, order, run=self._run, on_accepted=self._plan_cancels)
        finally:
            self._end()

    def _plan_cancels(self, entries: list[Entry]) -> None:
        for entry in entries:
            if entry.order.cancel_after is not None:
                self._start(self._followers, self._cancel, entry, entry.order.cancel_after)

    def _have_accepted(self, order: Order) -> Entry:
        kind = "id" if order.by_id else "key"
        entry = self._ledger.intend(order, f"{self._run}-{kind}-{order.number}")
        self._wire.upload(order.request)
        if order.parent is not None:
            self._await_parent(entry, order.parent)
        if order.copies > 1:
            self._submit_at_once(entry)
        else:
            self._submit(entry, impatient=order.gives_up_first)
        return entry

    def _await_parent(self, entry: Entry, number: int) -> None:
        """Wait until the order is accepted whose picture this one paints."""
        while time.monotonic() < self._wire.insist_until:
            parent = self._ledger.entries.get(number)
            if parent is not None and parent.ids:
                entry.parent_id = parent.id
                return
            time.sleep(0.05)
        raise OutOfTime

    def _submit_at_once(self, entry: Entry) -> None:
        with ThreadPoolExecutor(entry.order.copies) as pool:
            copies = [pool.submit(self._submit, entry, impatient=False) for _ in range(entry.order.copies)]
        for copy in copies:
            copy.result()

    def _submit(self, entry: Entry, *, impatient: bool) -> None:
        body = {**entry.order.request.asked(entry.parent_id), "lane": entry.order.lane}
        method, path, headers = ("POST", "/v1/jobs", {"Idempotency-Key": entry.name})
        if entry.order.by_id:
            method, path, headers = ("PUT", f"/v1/jobs/{entry.name}", {})
        if impatient:
            self._wire.hang_up(method, path, headers, body)
        response = self._wire.insist(method, path, json=body, headers=headers)
        if response.is_success:
            self._ledger.accept(entry, response.json()["id"])
        else:
            entry.refused = f"{response.status_code} {response.text[:200]}"
            self._ledger.note(entry, "refused", response=entry.refused)

    def repeat(self, entry: Entry) -> None:
        """Submit an order once more, as a client does that lost its own book."""
        self._submit(entry, impatient=False)

    def repeat_batch(self, batch: BatchEntry) -> None:
        """Send a batch once more: the response must name the same."""
        submit_batch(self._wire, self._ledger, batch)

    def _follow_up(self, entry: Entry) -> None:
        order = entry.order
        if order.cancel_after is not None:
            self._start(self._followers, self._cancel, entry, order.cancel_after)
        if order.move_after is not None:
            self._start(self._followers, self._move, entry, order.move_after)
        if order.is_deleted:
            self._start(self._followers, self._delete, entry)
        elif order.is_polled:
            self._start(self._followers, self._poll, entry)
        elif order.is_followed:
            self._start(self._followers, self._follow, entry)

    def _cancel(self, entry: Entry, after: float) -> None:
        time.sleep(after)
        response = self._wire.insist("POST", f"/v1/jobs/{entry.id}/cancel")
        entry.cancel_response = "canceled" if response.is_success else f"{response.status_code}"
        self._ledger.note(entry, "cancel", response=entry.cancel_response)

    def _move(self, entry: Entry, after: float) -> None:
        status = move(self._wire, f"/v1/jobs/{entry.id}", entry.order.number, after)
        self._ledger.note(entry, "move", response=status)  # 409 where it did not wait any more

    def intervene(self, wanted: Intervention) -> None:
        """Have a thread do what an operator does for a time."""
        key = f"{self._run}-intervention-{wanted.number}"
        self._start(self._followers, partial(intervene, key=key), self._wire, self._ledger, wanted)

    def act(self, number: int) -> None:
        """Have a thread begin a bulk action, and follow it to its end."""
        self._start(self._followers, self._act, number)

    def _act(self, number: int) -> None:
        body = {"do": "move", "filter": {"status": "queued"}, "to": "back"}
        headers = {"Idempotency-Key": f"{self._run}-action-{number}"}
        found = self._wire.insist("POST", "/v1/actions", json=body, headers=headers).json()
        self._ledger.actions[number] = found
        while not found["done"]:
            time.sleep(ACTION_SECONDS)
            found = self._wire.insist("GET", f"/v1/actions/{found['id']}").json()
            self._ledger.actions[number] = found

    def _poll(self, entry: Entry) -> None:
        while True:
            view = self._wire.insist("GET", f"/v1/jobs/{entry.id}", params={"wait": "4"})
            if not view.is_success:
                self._ledger.note(entry, "poll", response=view.status_code)
                return
            if view.json()["status"] in TERMINAL:
                entry.seen.append(Seen.of(view.json()))
                return

    def _delete(self, entry: Entry) -> None:
        self._poll(entry)
        response = self._wire.insist("DELETE", f"/v1/jobs/{entry.id}")
        # 410: an earlier try was carried out, and its response lost.
        entry.is_deleted = response.status_code in (204, 410)
        self._ledger.note(entry, "delete", response=response.status_code)

    def _follow(self, entry: Entry) -> None:
        follow(self._url, entry, until=lambda: time.monotonic() > self._wire.insist_until)

    def insist_until(self, moment: float) -> None:
        """Let clients give up at this monotonic time."""
        self._wire.insist_until = moment

    def finish(self, until: float) -> None:
        """Wait for all clients; they give up at this monotonic time."""
        self.insist_until(until)
        while True:
            with self._lock:
                waiting, self._futures = self._futures, []
            if not waiting:
                break
            for future in waiting:
                future.result()

    def close(self) -> None:
        """End the threads and connections."""
        self._submitters.shutdown()
        self._followers.shutdown()
        self._wire.close()


def _until_out_of_time(step: Callable[..., None], *arguments: Any) -> None:
    try:
        step(*arguments)
    except OutOfTime:
        return  # the ledger shows what is missing
