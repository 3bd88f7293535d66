"""What Celery on Redis alone loses and repeats, and what Atelier does in the same accident.

*Lost*: a worker waits for work, is frozen, gets some, and is killed. A task with `acks_late` should run on
the next worker, and so should a job. *Repeated*: a task takes longer than the visibility time-out. That is
set short, so that nothing here waits an hour for what Celery would still repair by itself.

Usage: python -m bench.service.celery_losses [--tries N]
"""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count, islice
from pathlib import Path

from celery import Celery

from atelier.local.redis_server import EmbeddedServer
from bench.measuring import Table
from bench.processes import running, wait_until
from bench.service.noop_service import BODY, DONE, environ_of
from bench.service.noop_worker import write_card
from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.queue.celery_app import make_celery
from shared.queue.job_queue import JobQueue
from shared.redis.client import Client, connect
from shared.settings import Settings
from shared.specs.spec import JOB_SPEC, resolve

VISIBILITY_SECONDS = 3
TASK_SECONDS = 3.5 * VISIBILITY_SECONDS
PATIENCE_SECONDS = 5.0 * VISIBILITY_SECONDS  # with a task that may still come back
POLL_SECONDS = 10  # of each wait for a message: so long is a worker sure to be waiting
SERVER = "BENCH_REDIS_URL"
RUNS = "runs"  # counts how often a task began


def make_app(server: str) -> Celery:
    """Return a Celery application as its documents advise for work that must not be lost."""
    app = Celery("plain", broker=server.replace("unix://", "redis+socket://"))
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        worker_prefetch_multiplier=1,
        broker_transport_options={
            "visibility_timeout": VISIBILITY_SECONDS,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "polling_interval": POLL_SECONDS,
        },
    )

    @app.task(name="plain.work")  # type: ignore[untyped-decorator]
    def work(seconds: float) -> None:
        connect(server).incr(RUNS)
        time.sleep(seconds)

    return app


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tries", type=int, default=5)
    tries = parser.parse_args().tries
    table = Table(f"A worker is frozen while it waits, is handed work, and is killed; {tries} times each")
    with tempfile.TemporaryDirectory() as folder:
        for name, lose in (("Celery tasks", lose_task), ("Atelier's jobs", lose_job)):
            folders = (Path(folder, f"{name}-{number}") for number in count())
            outcomes = (lose(each) for each in folders)
            counted = islice((outcome for outcome in outcomes if outcome is not None), tries)
            table.add(f"{name} lost", sum(counted))
        table.print()
        repeated = Table(f"A task of {TASK_SECONDS:g} s, visibility time-out {VISIBILITY_SECONDS} s")
        repeated.add("times that Celery runs it", repeat_task(Path(folder, "repeated")))
        repeated.print()


def lose_task(folder: Path) -> bool | None:
    """Return whether a task was lost; None where the server had not handed it to the worker yet."""
    with EmbeddedServer(folder / "server") as server:
        client, app = connect(server.url), make_app(server.url)
        command, environ = ["bench.service.celery_losses", "solo"], {SERVER: server.url}
        app.send_task("plain.work", queue="elsewhere")  # opens the connection before the worker is frozen
        with accident(command, environ, folder, client):
            app.send_task("plain.work", (0.0,))
        if client.llen("celery"):
            return None
        with running(command, environ, folder / "second.log"):
            return not _comes(lambda: bool(client.get(RUNS)), client)


def lose_job(folder: Path) -> bool:
    """Return whether a job was lost."""
    folder.mkdir()
    with EmbeddedServer(folder / "server") as server:
        environ = environ_of(folder, server.url, write_card(folder / "cards"))
        settings, client = Settings(redis_url=server.url), connect(server.url)
        store, queue = JobStore(client, settings.jobs), JobQueue(make_celery(settings), client)
        spec = resolve(JOB_SPEC.validate_python(BODY), load_catalog(folder / "cards"))
        job = Submission(new_job_id(), ANONYMOUS, spec, "")
        command = ["bench.service.noop_worker"]
        queue.notify(job.id, spec.lane)  # for nothing yet: opens the connection
        with accident(command, environ, folder, client):
            store.submit(job)
            queue.notify(job.id, spec.lane)
        with running(command, environ, folder / "second.log"):
            return not _comes(lambda: store.get(job.id, ANONYMOUS).status.value in DONE, client)


@contextmanager
def accident(command: list[str], environ: dict[str, str], folder: Path, client: Client) -> Iterator[None]:
    """Freeze a worker that waits, let the block hand in work, and kill the worker."""
    with running(command, environ, folder / "first.log") as worker:
        wait_until(lambda: _waits(client), "a worker that waits")
        os.kill(worker.pid, signal.SIGSTOP)
        try:
            yield
        finally:
            worker.kill()
            worker.wait()


def repeat_task(folder: Path) -> int:
    """Return how often a task that outlasts the visibility time-out runs."""
    with EmbeddedServer(folder / "server") as server:
        client, app = connect(server.url), make_app(server.url)
        with running(["bench.service.celery_losses", "threads"], {SERVER: server.url}, folder / "worker.log"):
            app.send_task("plain.work", (TASK_SECONDS,))
            wait_until(lambda: bool(client.get(RUNS)), "the task")
            time.sleep(TASK_SECONDS + 1)
        return int(client.get(RUNS))


def _waits(client: Client) -> bool:
    return bool(client.info("clients")["blocked_clients"])


def _comes(is_there: Callable[[], bool], client: Client) -> bool:
    wait_until(lambda: is_there() or _waits(client), "the next worker")
    try:
        wait_until(is_there, "the work", seconds=PATIENCE_SECONDS)
    except TimeoutError:
        return False
    return True


def serve(pool: str) -> None:
    """Run a worker of the plain application."""
    options = [f"--pool={pool}", "--concurrency=8", "--loglevel=WARNING", "--hostname=plain"]
    alone = ["--without-mingle", "--without-gossip"]  # else its first wait is for other workers' replies
    make_app(os.environ[SERVER]).worker_main(["--quiet", "worker", *options, *alone])


if __name__ == "__main__":
    if sys.argv[1:] in (["solo"], ["threads"]):
        serve(sys.argv[1])
    else:
        main()
