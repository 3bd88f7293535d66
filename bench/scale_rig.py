"""An API, a server and any number of workers whose model does nothing, and batches for them."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from atelier import Client
from atelier.batch_run import BatchRun
from atelier.embedded_server import EmbeddedServer
from bench.noop_service import answers, environ_of
from bench.noop_worker import CARD, write_card
from bench.processes import cpu_seconds, running, wait_until
from shared.redis_server import connect
from shared.worker_roster import WorkerRoster

MOST_IN_ONE = 50_000  # items that a batch takes
CARRY_SECONDS = 300.0


class Rig:
    """What is measured: all batches together are the backlog."""

    def __init__(self, folder: Path, server: EmbeddedServer, environ: dict[str, str]) -> None:
        self.url = f"http://127.0.0.1:{environ['ATELIER_API_PORT']}"
        self.client = Client(self.url, timeout_seconds=120)
        self.pids: list[int] = []  # of the workers that run now
        self._folder = folder
        self._environ = environ
        self._server = connect(server.url)
        self._server_pid = int(self._server.info("server")["process_id"])
        self._runs: list[BatchRun] = []
        self._next_seed = 1

    @contextmanager
    def workers(self, count: int) -> Iterator[None]:
        """Run so many workers while the block runs; they find every batch paused."""
        self._move("pause")
        roster = WorkerRoster(self._server)
        with ExitStack() as stack:
            log = self._folder / "worker.log"
            started = [
                stack.enter_context(running(["bench.noop_worker"], self._environ, log)) for _ in range(count)
            ]
            self.pids = [process.pid for process in started]
            names = [f"-{pid}-" for pid in self.pids]
            wait_until(lambda: all(_is_there(name, roster) for name in names), "workers")
            yield

    def carry(self, items: int) -> tuple[int, float, float]:
        """Have so many items carried out, or some more; return how many, seconds, and processor seconds."""
        before, spent, began = self.ended(), self._spent(), time.perf_counter()
        self.resume()
        wait_until(lambda: self.ended() - before >= items, "the items", seconds=CARRY_SECONDS)
        self._move("pause")
        wait_until(lambda: not self._count("running"), "the last ones", seconds=CARRY_SECONDS)
        return self.ended() - before, time.perf_counter() - began, self._spent() - spent

    def resume(self) -> None:
        """Let the workers take items."""
        self._move("resume")

    def top_up(self, waiting: int) -> None:
        """Add items until so many wait."""
        while (missing := waiting - self._count("queued")) > 0:
            self._runs.append(self.add(min(missing, MOST_IN_ONE)))

    def add(self, items: int) -> BatchRun:
        """Send one batch of so many items."""
        seeds = {"from": self._next_seed, "to": self._next_seed + items - 1}
        self._next_seed += items
        template = {"type": "generate", "model": CARD.name, "multiply": {"seed": seeds}}
        return self.client.batch(template=template)

    def ended(self) -> int:
        """Return how many items have been carried out."""
        return self._count("succeeded")

    def _count(self, status: str) -> int:
        names = [f"atelier:batch:{run.id}" for run in self._runs]
        return sum(int(self._server.hget(name, status) or 0) for name in names)

    def _move(self, move: str) -> None:
        for run in self._runs:
            if not run.refresh().done:
                getattr(run, move)()

    def _spent(self) -> float:
        return cpu_seconds(self._server_pid, *self.pids)


def _is_there(name: str, roster: WorkerRoster) -> bool:
    return any(name in worker.id for worker in roster.live())


@contextmanager
def scale_rig(folder: Path) -> Iterator[Rig]:
    """Run server and API in a folder while the block runs."""
    cards = write_card(folder / "cards")
    with EmbeddedServer(folder / "server") as server:
        environ = environ_of(folder, server.url, cards)
        web = ["gunicorn", "-c", "python:api.gunicorn_conf", "api.wsgi:create()"]
        with running(web, environ, folder / "api.log"):
            rig = Rig(folder, server, environ)
            wait_until(lambda: answers(f"{rig.url}/healthz"), "the API")
            with rig.client:
                yield rig
