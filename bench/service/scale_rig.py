"""An API, a server and any number of workers whose model does nothing, and batches for them."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

from atelier import Client
from atelier.client.batch_run import BatchRun
from atelier.client.errors import ApiError
from atelier.local.redis_server import EmbeddedServer
from bench.processes import cpu_seconds, running, wait_until
from bench.service.noop_service import environ_of, is_reachable
from bench.service.noop_worker import CARD, write_card
from shared.redis.client import connect
from shared.workers import WorkerRoster

MOST_IN_ONE = 50_000  # items that a batch takes
CARRY_SECONDS = 300.0


class Rig:
    """The measured installation: all batches together are the backlog."""

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
        """Run this many workers while the block runs; every batch is paused before."""
        self._move("pause", self._runs)
        roster = WorkerRoster(self._server)
        with ExitStack() as stack:
            log = self._folder / "worker.log"
            started = [
                stack.enter_context(running(["bench.service.noop_worker"], self._environ, log))
                for _ in range(count)
            ]
            self.pids = [process.pid for process in started]
            names = [f"-{pid}-" for pid in self.pids]
            wait_until(lambda: all(_is_there(name, roster) for name in names), "workers")
            yield

    def carry(self, runs: Sequence[BatchRun], items: int) -> tuple[int, float, float]:
        """Have at least this many items of some batches carried out.

        Returns their number, seconds, and processor seconds of the workers and the server.
        """
        before, spent, began = self.ended(runs), self._spent(), time.perf_counter()
        self._move("resume", runs)
        wait_until(lambda: self.ended(runs) - before >= items, "the items", seconds=CARRY_SECONDS)
        self._move("pause", runs)
        wait_until(lambda: not self._count("running", runs), "the last ones", seconds=CARRY_SECONDS)
        return self.ended(runs) - before, time.perf_counter() - began, self._spent() - spent

    def resume(self) -> None:
        """Let the workers take items of every batch."""
        self._move("resume", self._runs)

    def backlog(self, waiting: int) -> list[BatchRun]:
        """Add items until this many wait, while no worker runs; return all batches."""
        while (missing := waiting - self._waiting()) > 0:
            seeds = {"from": self._next_seed, "to": self._next_seed + min(missing, MOST_IN_ONE) - 1}
            self._next_seed = seeds["to"] + 1
            template = {"type": "generate", "model": CARD.name, "multiply": {"seed": seeds}}
            self._runs.append(self.client.batches.create(template=template))
        return self._runs

    def top_up(self, waiting: int) -> list[BatchRun]:
        """Add items until this many wait, paused like the others; return all batches."""
        seeds = range(self._next_seed, self._next_seed + waiting - self._waiting())
        self._next_seed = seeds.stop
        if seeds:
            run = self.client.batches.open()
            run.pause()
            run.append("".join(_line(seed) for seed in seeds).encode(), first=0)
            run.finalize()
            self._runs.append(run)
        return self._runs

    def _waiting(self) -> int:
        self._runs = [run for run in self._runs if self._count("queued", [run])]
        return self._count("queued", self._runs)

    def ended(self, runs: Sequence[BatchRun]) -> int:
        """Return how many items of these batches have been carried out."""
        return self._count("succeeded", runs)

    def _count(self, status: str, runs: Sequence[BatchRun]) -> int:
        return sum(int(self._server.hget(f"atelier:batch:{run.id}", status) or 0) for run in runs)

    def _move(self, move: str, runs: Sequence[BatchRun]) -> None:
        for run in runs:
            with suppress(ApiError):  # its last item ended meanwhile
                if not run.refresh().done:
                    getattr(run, move)()

    def _spent(self) -> float:
        return cpu_seconds(self._server_pid, *self.pids)


def _line(seed: int) -> str:
    return json.dumps({"type": "generate", "model": CARD.name, "seed": seed}) + "\n"


def _is_there(name: str, roster: WorkerRoster) -> bool:
    return any(name in worker.id for worker in roster.live())


@contextmanager
def scale_rig(folder: Path) -> Iterator[Rig]:
    """Run a server and an API in a new folder while the block runs."""
    folder.mkdir()
    cards = write_card(folder / "cards")
    with EmbeddedServer(folder / "server") as server:
        environ = environ_of(folder, server.url, cards)
        web = ["gunicorn", "-c", "python:api.gunicorn_conf", "api.wsgi:create()"]
        with running(web, environ, folder / "api.log"):
            rig = Rig(folder, server, environ)
            wait_until(lambda: is_reachable(f"{rig.url}/healthz"), "the API")
            with rig.client:
                yield rig
