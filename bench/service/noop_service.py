"""Atelier with a model that does nothing, and bare Celery, side by side on one server."""

import os
import socket
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
from celery import Celery

from atelier.local.redis_server import EmbeddedServer
from bench.processes import running, wait_until
from bench.service import bare_celery
from bench.service.noop_worker import CARD, write_card
from shared.cards.card import Catalog, load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.queries import JobQueries
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.redis.client import connect
from shared.settings import Settings
from shared.specs.spec import JOB_SPEC, resolve
from shared.workers import WorkerRoster

SLOTS = 4  # threads of either worker
CONNECTIONS = 1000  # of either web server
WAIT_SECONDS = 30.0
BODY: dict[str, Any] = {"type": "generate", "model": CARD.name, "seeds": [1]}
DONE = {status.value for status in Status if status.is_terminal}


@dataclass(frozen=True, slots=True)
class Atelier:
    """Atelier, by its store and by HTTP."""

    url: str
    worker_pid: int
    catalog: Catalog
    store: JobStore
    queries: JobQueries
    queue: JobQueue

    def submit(self) -> str:
        """Accept a job and ring for it, as the API does; return its id."""
        spec = resolve(JOB_SPEC.validate_python(BODY), self.catalog)
        job_id = new_job_id()
        doorbell = self.queue.doorbell(job_id, spec.lane)
        self.store.submit(Submission(job_id, ANONYMOUS, spec, "", doorbell=doorbell))
        return job_id

    def run(self) -> None:
        """Carry a job from submission to the event that says it is done."""
        job_id, after = self.submit(), "0-0"
        while True:
            events = self.queries.events(job_id, after=after, block_seconds=2)
            for event in events:
                if event.data.get("status") in DONE:
                    return
                after = event.id

    def waiting(self) -> int:
        """Return how many jobs are not claimed yet."""
        return sum(self.queries.depths().values())


@dataclass(frozen=True, slots=True)
class Services:
    """Atelier and bare Celery."""

    atelier: Atelier
    bare: Celery
    bare_url: str
    bare_pid: int


@contextmanager
def noop_service(folder: Path) -> Iterator[Services]:
    """Run both services in a folder while the block runs."""
    cards = write_card(folder / "cards")
    with EmbeddedServer(folder / "server") as server, ExitStack() as stack:
        environ = environ_of(folder, server.url, cards)
        os.environ[bare_celery.SERVER] = server.url
        yield Services(_atelier(stack, folder, environ), *_bare(stack, folder, environ))


def environ_of(folder: Path, server: str, cards: Path) -> dict[str, str]:
    """Return the environment of both services' processes."""
    return {
        "REDIS_URL": server,
        bare_celery.SERVER: server,
        "ATELIER_STATE_DIR": str(folder / "state"),
        "ATELIER_CARDS_DIR": str(cards),
        "ATELIER_API_PORT": str(_free_port()),
        "ATELIER_API_CONNECTIONS": str(CONNECTIONS),
        "ATELIER_WORKER_THREADS": str(SLOTS),
    }


def _atelier(stack: ExitStack, folder: Path, environ: Mapping[str, str]) -> Atelier:
    web = ["gunicorn", "-c", "python:api.gunicorn_conf", "api.wsgi:create()"]
    stack.enter_context(running(web, environ, folder / "api.log"))
    worker = stack.enter_context(running(["bench.service.noop_worker"], environ, folder / "worker.log"))
    settings = Settings(redis_url=environ["REDIS_URL"])
    client = connect(settings.redis_url)
    store = JobStore(client, settings.jobs)
    url = f"http://127.0.0.1:{environ['ATELIER_API_PORT']}"
    wait_until(lambda: bool(WorkerRoster(client).live()), "a worker")
    wait_until(lambda: is_reachable(f"{url}/healthz"), "the API")
    catalog = load_catalog(Path(environ["ATELIER_CARDS_DIR"]))
    queue = JobQueue(make_celery(settings), client)
    return Atelier(url, worker.pid, catalog, store, JobQueries(store), queue)


def _bare(stack: ExitStack, folder: Path, environ: Mapping[str, str]) -> tuple[Celery, str, int]:
    worker = ["bench.service.bare_celery", str(SLOTS)]
    port = _free_port()
    bind = ["--bind", f"127.0.0.1:{port}", "--worker-class=gevent", f"--worker-connections={CONNECTIONS}"]
    web = ["gunicorn", *bind, "--keep-alive=15", "bench.service.bare_celery:create()"]
    pid = stack.enter_context(running(worker, environ, folder / "bare-worker.log")).pid
    stack.enter_context(running(web, environ, folder / "bare-api.log"))
    app = bare_celery.make_app()
    app.send_task("bare.nothing", (1,)).get(timeout=WAIT_SECONDS)
    url = f"http://127.0.0.1:{port}"
    wait_until(lambda: is_reachable(f"{url}/"), "bare Flask")
    return app, url, pid


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def is_reachable(url: str) -> bool:
    """Whether a server responds at a URL."""
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True
