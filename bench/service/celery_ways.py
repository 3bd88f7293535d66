"""What Atelier's own way to send and to receive doorbells saves, in the time of a job that does nothing.

Sending: one script that puts a message into the queue's list, against `send_task` with Celery's pool of
producers, and with one producer that is kept. Receiving: the worker's consumer against Celery's own, with the
same options. All go one job at a time, in turns of a few, with one slot and with several; with one slot each
job comes just when the slot gets free.

Usage: python -m bench.service.celery_ways [--jobs N]
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from atelier.local.redis_server import EmbeddedServer
from bench.measuring import Table, percentile, timed
from bench.processes import running, wait_until
from bench.service.noop_service import Atelier, environ_of
from bench.service.noop_worker import write_card
from shared.cards.card import load_catalog
from shared.jobs.queries import JobQueries
from shared.jobs.store import JobStore
from shared.queue.celery_app import RUN_JOB, make_celery, queue_of
from shared.queue.job_queue import JobQueue
from shared.redis.client import connect
from shared.settings import Settings
from shared.specs.parts import Lane
from shared.workers import WorkerRoster

TURN = 10  # jobs of one contender before the next one's turn
WARM_UP = 20
SLOTS = (4, 1)
OURS = "Atelier"


@dataclass(frozen=True, slots=True)
class SendTask:
    """Notifies workers as Celery's documents say."""

    send: Any

    def notify(self, job_id: str, lane: Lane) -> None:
        """Send the task of a doorbell."""
        self.send(RUN_JOB, (job_id,), queue=queue_of(lane), ignore_result=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=300, help="jobs of each contender")
    jobs = parser.parse_args().jobs
    for slots in SLOTS:
        with tempfile.TemporaryDirectory() as folder, contenders(Path(folder), slots) as found:
            measure_jobs(found, jobs, slots).print()
            if slots == SLOTS[0]:
                measure_sending(found, jobs).print()


@contextmanager
def contenders(folder: Path, slots: int) -> Iterator[dict[str, Atelier]]:
    """Run a worker of each sort beside a server of its own while the block runs."""
    with ExitStack() as stack:
        ours = stack.enter_context(noop_worker(folder / "ours", slots))
        celerys = stack.enter_context(noop_worker(folder / "celerys", slots, "--celery-consumer"))
        yield {
            OURS: ours,
            "send_task": _sending(stack, ours, keeps_producer=False),
            "send_task, one producer": _sending(stack, ours, keeps_producer=True),
            "Celery's consumer": celerys,
            "send_task, one producer; Celery's consumer": _sending(stack, celerys, keeps_producer=True),
        }


@contextmanager
def noop_worker(folder: Path, slots: int, *arguments: str) -> Iterator[Atelier]:
    """Run a server and a worker while the block runs."""
    folder.mkdir()
    cards = write_card(folder / "cards")
    with EmbeddedServer(folder / "server") as server:
        environ = {**environ_of(folder, server.url, cards), "ATELIER_WORKER_THREADS": str(slots)}
        with running(["bench.service.noop_worker", *arguments], environ, folder / "worker.log") as worker:
            settings, client = Settings(redis_url=server.url), connect(server.url)
            wait_until(lambda: bool(WorkerRoster(client).live()), "a worker")
            store, queue = JobStore(client, settings.jobs), JobQueue(make_celery(settings), client)
            yield Atelier(server.url, worker.pid, load_catalog(cards), store, JobQueries(store), queue)


def _sending(stack: ExitStack, atelier: Atelier, *, keeps_producer: bool) -> Atelier:
    app = make_celery(Settings(redis_url=atelier.url))
    send = app.send_task
    if keeps_producer:
        send = partial(send, producer=stack.enter_context(app.producer_pool.acquire(block=True)))
    queue: Any = SendTask(send)
    return replace(atelier, queue=queue)


def measure_jobs(found: Mapping[str, Atelier], jobs: int, slots: int) -> Table:
    """From the submission of a job to the event that says it is done."""
    table = Table(f"No-op job, {jobs} each, one at a time, worker with {slots} slots")
    times: dict[str, list[float]] = {name: [] for name in found}
    for atelier in found.values():
        for _ in range(WARM_UP):
            atelier.run()
    for _ in range(-(-jobs // TURN)):
        for name, atelier in found.items():
            times[name].extend(timed(atelier.run) for _ in range(TURN))
    for name, values in times.items():
        table.add(f"{name}: p50", 1000 * percentile(values, 50), "ms")
        for percent in (50, 95):
            ratio = percentile(values, percent) / percentile(times[OURS], percent)
            table.add(f"{name} / {OURS}: p{percent}", ratio, "x")
    return table


def measure_sending(found: Mapping[str, Atelier], messages: int) -> Table:
    """One doorbell; nobody waits for what comes of it."""
    table = Table(f"Sending, {messages} doorbells each")
    senders = {name: atelier.queue for name, atelier in found.items() if "consumer" not in name}
    times: dict[str, list[float]] = {name: [] for name in senders}
    for _ in range(-(-messages // TURN)):
        for name, queue in senders.items():
            times[name].extend(timed(lambda: queue.notify("job", Lane.BULK)) for _ in range(TURN))  # noqa: B023
    for name, values in times.items():
        table.add(f"{name}: p50", 1e6 * percentile(values, 50), "µs")
    return table


if __name__ == "__main__":
    main()
