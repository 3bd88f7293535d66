"""An owner who uses the whole service, in a world with others."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.waiting import eventually

Json = dict[str, Any]
DEFAULTS = ("mnist-dcgan", "magenta-mobile")
AVAILABLE = (*DEFAULTS, "multistyle-26")
WEBHOOK = {"url": "http://127.0.0.1:9/told", "events": ["job.started", "job.succeeded"]}


@dataclass
class Worlds:
    """The service and its store, which all owners share."""

    http: httpx.Client
    services: Services

    def __post_init__(self) -> None:
        self.worker = FakeWorker(self.services)
        self.keys = KeyStore(self.services.store.scripts)

    def announce(self, *models: str) -> None:
        """Have one worker, which never falls silent, with these models loaded."""
        self.worker.announce(*models, available=AVAILABLE)
        self.services.store.client.persist("atelier:workers:w1")

    def work(self, job_id: str, seconds: float) -> None:
        """Carry a job out, as one that took so long."""
        job = self.worker.claim(job_id)
        record, client = f"atelier:job:{job_id}", self.services.store.client
        client.hincrby(record, "started_at", -round(seconds * 1000))
        client.hdel(record, "began")  # its share of the time was all of it
        self.worker.succeed(job)


@dataclass
class Person:
    """One owner, with a key that may do everything but what an admin may."""

    world: Worlds
    name: str
    names: dict[str, str] = field(default_factory=dict)  # of ids, as both worlds have them
    ids: dict[str, str] = field(default_factory=dict)  # the other way round

    def __post_init__(self) -> None:
        scopes = frozenset(Scope) - {Scope.ADMIN, Scope.METRICS}  # these two tell of others
        _, text = self.world.keys.create(self.name, owner=self.name, scopes=scopes)
        self.headers = {"Authorization": f"Bearer {text}"}
        eventually(lambda: self.ask("GET", "/v1/limits").status_code == 200)  # keys are read twice a second

    def ask(self, method: str, path: str, **parts: Any) -> httpx.Response:
        return self.world.http.request(method, path, headers=self.headers, **parts)

    @contextmanager
    def stream(self, path: str) -> Iterator[httpx.Response]:
        with self.world.http.stream("GET", path, headers=self.headers) as response:
            yield response

    def make(self, called: str, path: str, body: Json) -> str:
        """Make something; return its id, which is known under a name from now on."""
        response = self.ask("POST", path, json=body)
        assert response.status_code in (200, 201, 202), response.text
        return self.call(called, str(response.json().get("id", called)))

    def call(self, called: str, name: str) -> str:
        self.names[name], self.ids[called] = called, name
        return name

    def job(self, called: str, **fields: Any) -> str:
        spec = fields if "type" in fields else {"type": "generate", "seed": 7, **fields}
        return self.make(called, "/v1/jobs", {**spec, "webhook": WEBHOOK})

    def upload(self, called: str, side: int) -> str:
        files = {"file": ("a.png", png(side, 30), "image/png")}
        return self.call(called, self.ask("POST", "/v1/files", files=files).json()["id"])

    def batch(self, called: str, count: int, **fields: Any) -> str:
        items = [{"type": "generate", "seed": n} for n in range(count)]
        return self.make(called, "/v1/batches", {"items": items, **fields})

    def items(self, batch: str) -> list[str]:
        return [item["id"] for item in self.ask("GET", f"/v1/batches/{batch}/items").json()["data"]]


def begin(person: Person, seconds: float) -> None:
    """Have one of everything: what is done took `seconds`."""
    world = person.world
    picture = person.upload("<file>", 40)
    person.make("<style>", "/v1/styles", {"name": "waves", "image": picture})
    person.make("<recipe>", "/v1/recipes", {"name": "small", "settings": {"type": "generate"}})
    for called in ("<done>", "<failed>", "<running>", "<waiting>"):
        person.job(called)
    person.job("<other size>", count=9)
    person.job("<bulk>", lane="bulk")
    person.job("<style job>", type="stylize", content=picture, styles=[{"name": "waves"}])
    world.work(person.ids["<done>"], seconds)
    world.worker.fail(world.worker.claim(person.ids["<failed>"]))
    world.worker.show(world.worker.claim(person.ids["<running>"]), 1, 4)
    done, batch = person.batch("<done batch>", 2), person.batch("<batch>", 4)
    for item in [*person.items(done), person.items(batch)[0]]:
        world.work(item, seconds)
    person.batch("<open batch>", 2, open=True)
    person.ask("POST", f"/v1/batches/{person.batch('<paused batch>', 2)}/pause")
    person.ask("POST", f"/v1/jobs/{person.ids['<bulk>']}/move", json={"to": "front", "lane": "interactive"})
    person.ask("POST", f"/v1/batches/{batch}/move", json={"to": "back"})
    person.make("<action>", "/v1/actions", {"do": "cancel", "filter": {"status": "queued", "code": "none"}})
    person.make("<pause>", "/v1/pauses", {"reason": "a test", "model": "multistyle-26"})


def go_on(person: Person, seconds: float) -> None:
    """Make some more, after what others did."""
    person.world.work(person.job("<later done>"), seconds)
    person.job("<later>")
    person.batch("<later batch>", 2)
    person.upload("<later file>", 50)
    person.make("<later style>", "/v1/styles", {"name": "later", "image": person.ids["<later file>"]})
