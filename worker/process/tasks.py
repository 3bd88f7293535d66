"""The Celery tasks: each takes a message apart and calls one function."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

from celery import Celery

from shared.queue.celery_app import DELIVER, RUN_JOB, SWEEP
from shared.specs.parts import Lane

Answering = Callable[[str], AbstractContextManager[None]]


def serve_jobs(app: Celery, answer: Callable[[str, Lane], None], *, answering: Answering) -> None:
    """Register the task that a doorbell names. `answering`, given the message's id, is held meanwhile."""

    def run_job(task: Any, job_id: str) -> None:
        with answering(task.request.id):
            answer(job_id, lane_named(task.request.delivery_info))

    app.task(name=RUN_JOB, bind=True)(run_job)


def serve_sweeps(app: Celery, sweep: Callable[[], None]) -> None:
    """Register the task that removes unnamed bytes."""

    def run_sweep() -> None:
        sweep()

    app.task(name=SWEEP)(run_sweep)


def serve_deliveries(app: Celery, deliver: Callable[[], None]) -> None:
    """Register the task that tells receivers of webhooks what is due."""

    def run_deliveries() -> None:
        deliver()

    app.task(name=DELIVER)(run_deliveries)


def lane_named(delivery_info: Mapping[str, Any] | None) -> Lane:
    """Return the lane by which a message came."""
    name = str((delivery_info or {}).get("routing_key", "")).rpartition(".")[2]
    return Lane(name) if name in set(Lane) else Lane.INTERACTIVE
