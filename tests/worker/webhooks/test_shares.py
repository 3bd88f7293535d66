"""The places of deliveries in flight: by age, by host, by owner."""

import time
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from shared.webhooks.delivery import Delivery, delivery_from_record
from worker.webhooks import shares
from worker.webhooks.shares import InFlight, Shares

RECORD = dict.fromkeys(("id", "owner", "kind", "subject", "event", "url", "host", "private", "base"), "x") | {
    "status": "pending",
    "attempt": "1",
    "tries": "1",
    "sequence": "1",
    "created_at": "1",
}
DELIVERY = delivery_from_record(RECORD)
FEW = Shares(total=4, young=2, slow_seconds=0.5, a_host=2, silent_hosts=1)


def task() -> Any:
    return object()  # only its identity counts


@pytest.fixture
def pass_time(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    now = [100.0]
    monkeypatch.setattr(time, "monotonic", lambda: now[0])

    def pass_(seconds: float) -> None:
        now[0] += seconds

    return pass_


def to(host: str) -> Delivery:
    return replace(DELIVERY, host=host, owner=f"owner of {host}")


def test_one_that_takes_long_holds_no_place_of_what_begins(pass_time: Callable[[float], None]) -> None:
    flights = InFlight(FEW)
    for host in "ab":
        flights.add(task(), to(host))
    assert flights.room == 0
    pass_time(0.6)
    assert flights.room == 2
    for host in "cd":
        flights.add(task(), to(host))
    pass_time(0.6)
    assert flights.room == 0  # there is an end: each is a connection
    assert flights.owners == {f"owner of {host}": 1 for host in "abcd"}


def test_a_silent_host_has_one_place_until_it_answers(pass_time: Callable[[float], None]) -> None:
    flights = InFlight(FEW)
    flights.note("a", is_silent=True)
    assert flights.hosts["a"] == FEW.a_host - 1
    flight = task()
    flights.add(flight, to("a"))
    assert flights.hosts["a"] == FEW.a_host
    flights.note("b", is_silent=True)
    assert flights.hosts["b"] == FEW.a_host  # the places of silent hosts are taken
    flights.remove(flight)
    flights.note("a", is_silent=False)
    assert (flights.hosts["a"], flights.hosts["b"]) == (0, FEW.a_host - 1)


def test_what_is_remembered_of_silent_hosts_has_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shares, "MOST_REMEMBERED", 3)
    flights = InFlight(FEW)
    for host in "abcde":
        flights.note(host, is_silent=True)
    assert set(flights.hosts) == set("cde")
