"""What all clients share: requests that are repeated through every outage, and pictures sent once."""

import time
from typing import Any

import httpx

from tests.chaos.clients.ledger import Ledger, Refusal
from tests.chaos.clients.wishes import Wish

PAUSE_SECONDS = 0.2  # before a client asks again
IMPATIENT_SECONDS = 0.02  # after which a client that gives up hangs up
ANSWER_SECONDS = 6.0


class OutOfTime(Exception):
    """Raised when a client got no answer for good before the end of the run."""


class Wire:
    """The way to the service, for many threads.

    `insist_until` is set when the end is known, in monotonic seconds.
    """

    def __init__(self, url: str, ledger: Ledger) -> None:
        self._ledger = ledger
        self._http = httpx.Client(
            base_url=url,
            timeout=httpx.Timeout(ANSWER_SECONDS, connect=2, pool=None),
            limits=httpx.Limits(max_connections=200, max_keepalive_connections=40),
        )
        self._uploaded: set[str] = set()
        self.insist_until = float("inf")

    def insist(self, method: str, path: str, **parts: Any) -> httpx.Response:
        """Ask until there is an answer that is not about the service's own trouble; raise OutOfTime."""
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

    def hang_up(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        """Ask, and do not wait for the answer."""
        try:
            self._http.request(method, path, json=body, headers=headers, timeout=IMPATIENT_SECONDS)
        except httpx.TransportError:
            return

    def upload(self, wish: Wish) -> None:
        """Store the pictures of a request, where that was not done yet."""
        for name, data in wish.pictures.items():
            if name not in self._uploaded:
                self.insist("POST", "/v1/files", files={"file": data}).raise_for_status()
                self._uploaded.add(name)

    def close(self) -> None:
        """End the connections."""
        self._http.close()


def refusal_of(answer: httpx.Response) -> Refusal:
    """Return what an answer of 5xx or 429 says."""
    is_problem = answer.headers.get("content-type", "").startswith("application/problem+json")
    code = str(answer.json().get("code", "")) if is_problem else ""
    return Refusal(answer.status_code, code, "retry-after" in answer.headers, time.time())
