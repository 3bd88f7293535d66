"""The service as browsers see it: the API under gunicorn on a free port, and a worker that does as told."""

import io
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import httpx
from PIL import Image

from api.services import Services
from atelier.local.redis_server import EmbeddedServer
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.identifiers import sha256
from shared.jobs.job import Job, StoredOutput
from shared.jobs.store import JobStore
from shared.redis.client import connect
from shared.setting_groups import JobRules
from shared.storage.base import output_key
from shared.storage.object_store import open_object_store
from shared.workers import WorkerRoster
from tests.support.http.gunicorn_server import loopback_gunicorn
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.waiting import eventually

MODELS = ("mnist-dcgan", "magenta-mobile", "nst-gatys", "enlarge-x2", "old-photo")
ANNOUNCED_SECONDS = 4  # a worker that was silent for 15 is taken for dead
LEASE_SECONDS = 300  # jobs run as long as a test looks at them
PERSON = frozenset({Scope.READ, Scope.SUBMIT})


class Painter(FakeWorker):
    """A worker whose results are pictures of any size."""

    def paint(self, job: Job, *pictures: bytes) -> None:
        """End a job that it has claimed with these pictures."""
        outputs = tuple(self._stored(job, index, data) for index, data in enumerate(pictures))
        self._store.succeed(
            job.id, job.attempt, outputs=outputs, timings={"predict": 1.5}, model=("1", "d" * 64)
        )

    def _stored(self, job: Job, index: int, data: bytes) -> StoredOutput:
        with Image.open(io.BytesIO(data)) as picture:
            kind, (width, height) = (picture.format or "").lower(), picture.size
        key = output_key(job.id, job.attempt, index, kind)
        self._services.objects.put(key, data)
        seed = getattr(job.spec, "seeds", None)
        return StoredOutput(
            key, f"image/{kind}", width, height, len(data), sha256(data), seed[index] if seed else None
        )


@dataclass(frozen=True)
class Person:
    """Somebody with an API key: an owner of the same name."""

    name: str
    key: str
    http: httpx.Client  # sends the key

    def submit(self, **spec: Any) -> str:
        """Submit a job and return its id; digits unless `spec` says else."""
        digits = {} if "type" in spec else {"type": "generate", "seed": 1}
        response = self.http.post("/v1/jobs", json={**digits, **spec})
        assert response.status_code == 202, response.text
        return str(response.json()["id"])

    def job(self, job_id: str) -> dict[str, Any]:
        return cast(dict[str, Any], self.http.get(f"/v1/jobs/{job_id}").json())


@dataclass(frozen=True)
class Site:
    """A running service, and what drives it."""

    url: str
    store: JobStore
    worker: Painter
    open: ExitStack  # what is closed with it

    def person(self, name: str, scopes: frozenset[Scope] = PERSON) -> Person:
        """Return somebody with a key of their own."""
        _, text = KeyStore(self.store.scripts).create(name, owner=name, scopes=scopes)
        key = str(text)
        headers = {"Authorization": f"Bearer {key}"}
        http = self.open.enter_context(httpx.Client(base_url=self.url, timeout=60, headers=headers))
        eventually(lambda: http.get("/v1/keys/self").status_code == 200)  # keys are read once a second
        return Person(name, key, http)


@contextmanager
def running_site(folder: Path) -> Iterator[Site]:
    """Run a service with a job store of its own while the block runs."""
    with (
        EmbeddedServer(folder / "redis") as server,
        connect(server.url) as client,
        loopback_gunicorn(server.url, folder / "state") as running,
    ):
        store = JobStore(client, JobRules(lease_seconds=LEASE_SECONDS))
        objects = open_object_store((folder / "state" / "storage").as_uri())
        parts = SimpleNamespace(store=store, objects=objects, roster=WorkerRoster(client))
        worker = Painter(cast(Services, parts))
        with _announced(worker), ExitStack() as opened:
            yield Site(running.url, store, worker, opened)


@contextmanager
def _announced(worker: Painter) -> Iterator[None]:
    """Have the worker live, though it claims only what it is told to."""
    stopped = threading.Event()

    def announce() -> None:
        while True:
            worker.announce(*MODELS, available=MODELS, name="studio-1-4711-0af3bc")
            if stopped.wait(ANNOUNCED_SECONDS):
                return

    thread = threading.Thread(target=announce, daemon=True)
    thread.start()
    try:
        yield
    finally:
        stopped.set()
        thread.join()
