"""The clients: threads that submit, insist through every outage, withdraw, delete and look."""

import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import httpx

from tests.chaos.follower import follow
from tests.chaos.ledger import Entry, Ledger, Refusal, Seen
from tests.chaos.plan import Order
from tests.chaos.wishes import Wish

TERMINAL = ("succeeded", "failed", "canceled", "expired")
PAUSE_SECONDS = 0.2  # before a client asks again
IMPATIENT_SECONDS = 0.02  # after which a client that gives up hangs up
ANSWER_SECONDS = 6.0
SUBMITTERS, FOLLOWERS = 24, 24


class OutOfTime(Exception):
    """Raised when a client got no answer for good before the end of the run."""


class Load:
    """All clients of a run. `insist_until` is set when the end is known, in monotonic seconds."""

    def __init__(self, url: str, ledger: Ledger, *, run: str) -> None:
        self._url = url
        self._ledger = ledger
        self._run = run  # goes into keys and ids
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=2, pool=None),
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=40),
        )
        self._submitters = ThreadPoolExecutor(SUBMITTERS, "submit")
        self._followers = ThreadPoolExecutor(FOLLOWERS, "follow")
        self._futures: list[Future[None]] = []
        self._uploaded: set[str] = set()
        self._unanswered = 0
        self._lock = threading.Lock()
        self.insist_until = float("inf")

    def submit(self, order: Order) -> None:
        """Have a thread carry out an order."""
        with self._lock:
            self._unanswered += 1
        self._start(self._submitters, self._carry_out, order)

    @property
    def is_busy_submitting(self) -> bool:
        """Whether an order has not had its answer yet."""
        with self._lock:
            return self._unanswered > 0

    def _start(self, pool: ThreadPoolExecutor, step: Callable[..., None], *arguments: Any) -> None:
        future = pool.submit(_until_out_of_time, step, *arguments)
        with self._lock:
            self._futures.append(future)

    def _carry_out(self, order: Order) -> None:
        try:
            entry = self._have_accepted(order)
        finally:
            with self._lock:
                self._unanswered -= 1
        if entry.ids:
            self._follow_up(entry)

    def _have_accepted(self, order: Order) -> Entry:
        kind = "id" if order.by_id else "key"
        entry = self._ledger.intend(order, f"{self._run}-{kind}-{order.number}")
        self._upload(order.wish)
        if order.copies > 1:
            self._submit_at_once(entry)
        else:
            self._submit(entry, impatient=order.gives_up_first)
        return entry

    def _upload(self, wish: Wish) -> None:
        for name, data in wish.pictures.items():
            if name not in self._uploaded:
                self._insist("POST", "/v1/files", files={"file": data}).raise_for_status()
                self._uploaded.add(name)

    def _submit_at_once(self, entry: Entry) -> None:
        with ThreadPoolExecutor(entry.order.copies) as pool:
            copies = [pool.submit(self._submit, entry, impatient=False) for _ in range(entry.order.copies)]
        for copy in copies:
            copy.result()

    def _submit(self, entry: Entry, *, impatient: bool) -> None:
        body = {**entry.order.wish.body, "lane": entry.order.lane}
        method, path, headers = ("POST", "/v1/jobs", {"Idempotency-Key": entry.name})
        if entry.order.by_id:
            method, path, headers = ("PUT", f"/v1/jobs/{entry.name}", {})
        if impatient:
            self._hang_up(method, path, headers, body)
        answer = self._insist(method, path, json=body, headers=headers)
        if answer.is_success:
            self._ledger.accept(entry, answer.json()["id"])
        else:
            entry.refused = f"{answer.status_code} {answer.text[:200]}"
            self._ledger.note(entry, "refused", answer=entry.refused)

    def _hang_up(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        try:
            self._http.request(method, path, json=body, headers=headers, timeout=IMPATIENT_SECONDS)
        except httpx.TransportError:
            return

    def repeat(self, entry: Entry) -> None:
        """Submit an order once more, as a client does that lost its own book."""
        self._submit(entry, impatient=False)

    def _insist(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Ask until there is an answer that is not about the service's own trouble."""
        while time.monotonic() < self.insist_until:
            try:
                answer = self._http.request(method, path, **parts)
            except httpx.TransportError:
                time.sleep(PAUSE_SECONDS)
                continue
            if answer.status_code < 500 and answer.status_code != 429:
                return answer
            self._ledger.refuse(refusal_of(answer))
            time.sleep(PAUSE_SECONDS)
        raise OutOfTime(f"{method} {path}")

    def _follow_up(self, entry: Entry) -> None:
        order = entry.order
        if order.cancel_after is not None:
            self._start(self._followers, self._cancel, entry, order.cancel_after)
        if order.is_deleted:
            self._start(self._followers, self._delete, entry)
        elif order.is_polled:
            self._start(self._followers, self._poll, entry)
        elif order.is_followed:
            self._start(self._followers, self._follow, entry)

    def _cancel(self, entry: Entry, after: float) -> None:
        time.sleep(after)
        answer = self._insist("POST", f"/v1/jobs/{entry.id}/cancel")
        entry.cancel_answer = "canceled" if answer.is_success else f"{answer.status_code}"
        self._ledger.note(entry, "cancel", answer=entry.cancel_answer)

    def _poll(self, entry: Entry) -> None:
        while True:
            view = self._insist("GET", f"/v1/jobs/{entry.id}", params={"wait": "4"})
            if not view.is_success:
                self._ledger.note(entry, "poll", answer=view.status_code)
                return
            if view.json()["status"] in TERMINAL:
                entry.seen.append(seen_of(view.json()))
                return

    def _delete(self, entry: Entry) -> None:
        self._poll(entry)
        answer = self._insist("DELETE", f"/v1/jobs/{entry.id}")
        # 410: an earlier try was carried out, and its answer lost.
        entry.is_deleted = answer.status_code in (204, 410)
        self._ledger.note(entry, "delete", answer=answer.status_code)

    def _follow(self, entry: Entry) -> None:
        follow(self._url, entry, until=lambda: time.monotonic() > self.insist_until)

    def finish(self, until: float) -> None:
        """Wait for all clients; they give up at this monotonic time."""
        self.insist_until = until
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
        self._http.close()


def _until_out_of_time(step: Callable[..., None], *arguments: Any) -> None:
    try:
        step(*arguments)
    except OutOfTime:
        return  # the ledger shows what is missing


def refusal_of(answer: httpx.Response) -> Refusal:
    """Return what an answer of 5xx or 429 says."""
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    code = str(answer.json().get("code", "")) if is_problem else ""
    return Refusal(answer.status_code, code, "retry-after" in answer.headers, time.time())


def seen_of(view: dict[str, Any]) -> Seen:
    """Return what a view of a job that is done says of its outcome."""
    outputs = tuple(output["sha256"] for output in view.get("outputs") or ())
    return Seen(view["status"], outputs, (view.get("error") or {}).get("code", ""))
