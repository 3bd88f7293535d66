"""The Celery tasks: each takes a message apart and calls one function."""

from collections.abc import Callable
from typing import Any

from celery import Celery

from shared.job_queue import RUN_JOB, SWEEP
from shared.status import Lane


def serve_jobs(app: Celery, answer: Callable[[str, Lane], None]) -> None:
    """Register the task that a doorbell names."""

    def run_job(task: Any, job_id: str) -> None:
        answer(job_id, _lane_of(task))

    app.task(name=RUN_JOB, bind=True)(run_job)


def serve_sweeps(app: Celery, sweep: Callable[[], None]) -> None:
    """Register the task that removes unnamed bytes."""

    def run_sweep() -> None:
        sweep()

    app.task(name=SWEEP)(run_sweep)


def _lane_of(task: Any) -> Lane:
    info = task.request.delivery_info or {}
    name = str(info.get("routing_key", "")).rpartition(".")[2]
    return Lane(name) if name in set(Lane) else Lane.INTERACTIVE
