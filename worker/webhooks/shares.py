"""Who may have how many deliveries in flight: a receiver that is silent must not hold up another's."""

import asyncio
import time
from collections import Counter, OrderedDict
from dataclasses import dataclass

from shared.webhooks.delivery import Delivery

MOST_REMEMBERED = 1000  # hosts that were silent

Try = asyncio.Task[None]


@dataclass(frozen=True, slots=True)
class Shares:
    """The most deliveries in flight. One that takes long holds no place that others would have at once."""

    total: int = 512  # each is a socket; a process may have 1,024 files open
    young: int = 256  # begun within the last `slow_seconds`
    slow_seconds: float = 0.5
    an_owner: int = 384
    a_host: int = 8
    silent_hosts: int = 128  # to hosts that did not answer the last time, one to each


@dataclass(frozen=True, slots=True)
class _Flight:
    owner: str
    host: str
    since: float


class InFlight:
    """The deliveries in flight, and what others may begin beside them."""

    def __init__(self, shares: Shares) -> None:
        self._shares = shares
        self._flights: dict[Try, _Flight] = {}
        self._silent: OrderedDict[str, None] = OrderedDict()  # hosts, the latest last

    @property
    def tries(self) -> set[Try]:
        """Those that have not been removed."""
        return set(self._flights)

    def add(self, task: Try, delivery: Delivery) -> None:
        """Count a delivery that begins."""
        self._flights[task] = _Flight(delivery.owner, delivery.host, time.monotonic())

    def remove(self, task: Try) -> None:
        """Count it no longer."""
        del self._flights[task]

    def note(self, host: str, *, is_silent: bool) -> None:
        """Remember whether a host answered."""
        self._silent.pop(host, None)
        if is_silent:
            self._silent[host] = None
            if len(self._silent) > MOST_REMEMBERED:
                self._silent.popitem(last=False)

    @property
    def room(self) -> int:
        """How many may begin now."""
        slow_since = time.monotonic() - self._shares.slow_seconds
        young = sum(flight.since > slow_since for flight in self._flights.values())
        return min(self._shares.young - young, self._shares.total - len(self._flights))

    @property
    def owners(self) -> Counter[str]:
        """How many each owner has in flight."""
        return Counter(flight.owner for flight in self._flights.values())

    @property
    def hosts(self) -> Counter[str]:
        """How many of its places each host has taken; a silent host has one place, if any is left."""
        taken = Counter(flight.host for flight in self._flights.values())
        silent = {host: taken[host] for host in self._silent}
        is_full = sum(silent.values()) >= self._shares.silent_hosts
        kept = self._shares.a_host - (0 if is_full else 1)
        return taken | Counter({host: kept + (not is_full and count > 0) for host, count in silent.items()})
