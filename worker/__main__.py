"""`python -m worker`: serve the lanes with models; with `--queues io`, do the work that needs no model."""

import argparse
import importlib
import logging
import os
import sys
import warnings
from typing import Any

from celery.apps import worker as celery_worker
from celery.platforms import SecurityWarning
from celery.signals import setup_logging, worker_ready, worker_shutting_down
from kombu.transport.redis import Channel

from shared.errors import AtelierError
from shared.logs import configure_logs, plain, say_in_each_line
from shared.redis.server_check import check_server
from shared.settings import EXIT_CONFIGURATION, Settings, SettingsError
from shared.storage.identity import check_identity
from shared.storage.places import check_cards, check_storage
from shared.tracing.choice import SEND_SECONDS
from worker.memory import share_heaps
from worker.process.context import WorkerContext
from worker.tuning.tuned import with_tuned

log = logging.getLogger("atelier.worker")

EXIT_FAILED = 1  # a later start may go better


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m worker", description=__doc__)
    parser.add_argument("--queues", choices=["models", "io"], default="models")
    return parser.parse_args()


def _build(queues: str, base: WorkerContext) -> Any:
    # The io worker must not load TensorFlow, so the two are imported only where they are wanted.
    module, name = (
        ("worker.process.io_worker", "IoWorker")
        if queues == "io"
        else ("worker.process.model_worker", "ModelWorker")
    )
    return getattr(importlib.import_module(module), name)(base)


def serve(settings: Settings, queues: str) -> int:
    """Run a worker until it has to stop; return the exit status. Raises SettingsError, AtelierError."""
    check_storage(settings)
    check_cards(settings)
    base = WorkerContext(settings, "atelier-worker" if queues == "models" else "atelier-io")
    check_server(base.hasty_client)
    check_identity(settings, base.hasty_client, objects=base.objects)
    say_in_each_line(worker=base.id)
    try:
        threads = settings.worker.threads if queues == "models" else 2
        return consume(base, _build(queues, base), threads=threads)
    finally:
        base.tracing.close(SEND_SECONDS)


def consume(base: WorkerContext, worker: Any, *, threads: int) -> int:
    """Let a worker (prepare, begin, drain, queues) handle messages; return the exit status."""
    worker.prepare()
    worker_ready.connect(lambda **_: worker.begin(), weak=False)
    worker_shutting_down.connect(lambda **_: worker.drain(), weak=False)
    # The reaper sends another doorbell for one that was received and not handled. kombu would put it back,
    # and write it to a file in the temp folder when the server is away.
    Channel.do_restore = False
    # Celery would set the level of all loggers to its own, and writes past them that it shuts down.
    setup_logging.connect(lambda **_: None, weak=False)
    celery_worker.safe_say = lambda *_: None
    # Celery warns of root because of pickles; it accepts none here.
    warnings.filterwarnings("ignore", category=SecurityWarning)
    names = ",".join(worker.queues)
    options = ["--pool=threads", f"--concurrency={threads}", f"--queues={names}", f"--hostname={base.id}"]
    quiet = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=WARNING"]
    try:
        base.celery.worker_main(["--quiet", "worker", *options, *quiet])
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


def main() -> int:
    """Read the settings and serve; say in one sentence what keeps the worker from it."""
    queues = _arguments().queues
    share_heaps()
    try:
        settings = Settings.from_env()
        configure_logs(settings.log_format, settings.log_level)
        return serve(with_tuned(settings) if queues == "models" else settings, queues)
    except SettingsError as error:
        sys.stderr.write(f"{plain(f'configuration: {error}')}\n")
        return EXIT_CONFIGURATION
    except AtelierError as error:
        log.error("the worker cannot start", extra={"code": error.code, "detail": error.whole})
        return EXIT_FAILED


if __name__ == "__main__":
    status = main()
    logging.shutdown()
    os._exit(status)  # threads that run native code must not hold the process back
