"""`atelier run`: one process of an installation on several hosts, in the foreground."""

import os
import sys
from collections.abc import Mapping

import click

from shared.redis.client import connect
from shared.settings import Settings
from shared.storage.identity import check_identity

ANY_ADDRESS = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104  (where a process asks itself)


@click.command(short_help="Run one process of an installation on several hosts.")
@click.argument("process", type=click.Choice(["api", "worker", "io"]))
@click.option("--adopt-storage", is_flag=True, help="Take this storage, though others had another.")
@click.option(
    "--number",
    type=click.IntRange(1, 99),
    default=1,
    show_default=True,
    help="Let this be worker N of the host: its port for metrics is ATELIER_METRICS_PORT + N.",
)
def run(*, process: str, adopt_storage: bool, number: int) -> None:
    """Run the API, a worker with models, or the io worker; end it when it hangs, with status 70.

    For units of systemd and the like, which start it again. REDIS_URL and ATELIER_STORAGE_URL name the job
    store and the storage that all hosts share: docs/three-hosts.md.

    \b
    atelier run api
    atelier run worker
    atelier run io
    """
    settings = Settings.from_env()
    with connect(settings.redis_url) as client:
        check_identity(settings, client, adopt=adopt_storage)
    command, environ = command_of(process, settings, number)
    os.execve(command[0], command, {**os.environ, **environ})


def command_of(process: str, settings: Settings, number: int = 1) -> tuple[list[str], Mapping[str, str]]:
    """Return what runs a process and ends it when it hangs, and the variables that it needs besides."""
    if process == "api":
        return _api(settings), {}
    health = settings.worker_health
    if process == "io":
        health = health.with_name(f"{health.stem}-io{health.suffix}")  # beside that of a worker with models
    queues = ["--queues", "io"] if process == "io" else []
    command = [sys.executable, "-m", "worker.watch", "--file", str(health), *queues]
    environ = {"ATELIER_WORKER_HEALTH_FILE": str(health)}
    if port := settings.metrics.port:  # as with `atelier up`: the io worker's, and those above it the others'
        environ["ATELIER_METRICS_PORT"] = str(port if process == "io" else port + number)
    return command, environ


def _api(settings: Settings) -> list[str]:
    host = ANY_ADDRESS.get(settings.api.host, settings.api.host)
    shown = f"[{host}]" if ":" in host else host
    url = f"http://{shown}:{settings.api.port}/healthz"
    gunicorn = [sys.executable, "-m", "gunicorn", "--config", "python:api.gunicorn_conf"]
    return [sys.executable, "-m", "api.watch", "--url", url, "--", *gunicorn]
