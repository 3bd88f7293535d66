"""What all clients share: requests that are repeated through every outage, and pictures sent once."""

import time
from typing import Any

import httpx

from tests.chaos.clients.ledger import Ledger, Refusal
from tests.chaos.clients.requests import JobRequest

PAUSE_SECONDS = 0.2  # before a client asks again
IMPATIENT_SECONDS = 0.02  # after which a client that gives up hangs up
ANSWER_SECONDS = 6.0


class OutOfTime(Exception):
    """Raised when a client got no final response before the end of the run."""


class Wire:
    """The connections to the service, for many threads.

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
        """Ask until there is a response that is not about the service's own trouble; raise OutOfTime."""
        while time.monotonic() < self.insist_until:
            try:
                response = self._http.request(method, path, **parts)
            except httpx.TransportError:
                time.sleep(PAUSE_SECONDS)
                continue
            if response.status_code < 500 and response.status_code != 429:
                return response
            self._ledger.refuse(refusal_of(response))
            time.sleep(PAUSE_SECONDS)
        raise OutOfTime(f"{method} {path}")

    def hang_up(self, method: str, path: str, headers: dict[str, str], body: Any) -> None:
        """Ask, and do not wait for the response."""
        try:
            self._http.request(method, path, json=body, headers=headers, timeout=IMPATIENT_SECONDS)
        except httpx.TransportError:
            return

    def upload(self, request: JobRequest) -> None:
        """Store the pictures of a request, where that was not done yet."""
        for name, data in request.pictures.items():
            if name not in self._uploaded:
                self.insist("POST", "/v1/files", files={"file": data}).raise_for_status()
                self._uploaded.add(name)

    def close(self) -> None:
        """End the connections."""
        self._http.close()


def refusal_of(response: httpx.Response) -> Refusal:
    """Return what a response of 5xx or 429 says."""
    is_problem = response.headers.get("content-type", "").startswith("application/problem+json")
    code = str(response.json().get("code", "")) if is_problem else ""
    return Refusal(response.status_code, code, "retry-after" in response.headers, time.time())
