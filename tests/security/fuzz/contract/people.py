"""Owners with keys of one service, and what each of them has."""

import json
import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from api.services import Services, build_services
from shared.access.key import Scope
from shared.settings import Settings
from tests.security.fuzz.keys import new_key
from tests.support.http.gunicorn_server import LoopbackGunicorn, loopback_gunicorn
from tests.support.jobs.fake_worker import FakeWorker

# Ids that the service draws, by the parameter of a path that takes them.
DRAWN = {
    "job_id": re.compile(r"\bjob_[0-9a-f]{32}(?:-\d+)*\b"),
    "batch_id": re.compile(r"\bbatch_[0-9a-f]{32}\b"),
    "name": re.compile(r"\bfile_[0-9a-f]{64}\b"),
    "delivery_id": re.compile(r"\bmsg_[0-9A-Za-z_-]{8,}\b"),
}
# No request may last: waits are short, and nothing is fetched from elsewhere.
NO_RATES = {  # what comes too often would be refused, and not tried
    f"ATELIER_RATE_{name}_PER_MINUTE": "0" for name in ("READS", "CHANGES", "FAILURES")
}
SETTINGS = {
    "ATELIER_API_MAX_WAIT_SECONDS": "1",
    "ATELIER_API_MAX_STREAM_SECONDS": "1",
    "ATELIER_LIMITS_MAX_BODY_MEBIBYTES": "4",
    **NO_RATES,
}


@dataclass
class Person:
    """An owner's key, a mark that is in all that the owner sends, and the ids that the owner has seen."""

    name: str
    key: str
    seen: dict[str, list[str]] = field(default_factory=lambda: {kind: [] for kind in DRAWN})

    @property
    def mark(self) -> str:
        """A text that nobody else may see."""
        return f"private-to-{self.name}"

    def learn(self, text: str, but: Collection[str] = ()) -> None:
        """Note the ids in a response, but for some: one that repeats a request may name those of others."""
        for kind, pattern in DRAWN.items():
            known = self.seen[kind]
            known += [found for found in pattern.findall(text) if found not in {*but, *known[-200:]}]

    def has(self, text: str) -> set[str]:
        """Return what of this owner a text names."""
        found = {
            one for kind, pattern in DRAWN.items() for one in pattern.findall(text) if one in self.seen[kind]
        }
        return found | ({self.mark} if self.mark in text else set())


@dataclass
class Town:
    """A service, and those who have keys of it."""

    service: LoopbackGunicorn
    people: tuple[Person, Person]
    admin: Person
    services: Services

    def other(self, person: Person) -> Person:
        """Return the owner who must not be seen by a person."""
        return self.people[1] if person is self.people[0] else self.people[0]

    def work(self) -> None:
        """Carry out the job whose turn it is, if one waits."""
        for job in self.services.store.claim_next("w1"):
            FakeWorker(self.services).succeed(job)


@contextmanager
def town(redis_url: str, folder: Path) -> Iterator[Town]:
    """Run a service with the keys of two owners and of an admin."""
    services = build_services(Settings(redis_url=redis_url, state_dir=folder))
    usual = (Scope.SUBMIT, Scope.READ)
    anna, bert = (Person(name, new_key(redis_url, name, *usual)) for name in ("anna", "bert"))
    admin = Person("root", new_key(redis_url, "root", Scope.ADMIN))
    with loopback_gunicorn(redis_url, folder, **SETTINGS) as service:
        found = Town(service, (anna, bert), admin, services)
        for person in found.people:
            _furnish(found, person)
        yield found


def _furnish(found: Town, person: Person) -> None:
    """Have a person own something of each kind, so that there is something to find."""
    http, headers = found.service.http, {"Authorization": f"Bearer {person.key}"}
    job = {"type": "generate", "seed": 7, "metadata": {"of": person.mark}}
    made = http.post("/v1/jobs", json=job, headers=headers)
    found.work()
    batch = http.post("/v1/batches", json={"items": [job, job]}, headers=headers)
    for response in (made, batch):
        person.learn(response.text)
    assert all(person.seen[kind] for kind in ("job_id", "batch_id")), json.dumps(person.seen)
