"""Waiting for what must happen, in place of sleeping."""

import time
from collections.abc import Callable

import pytest

from atelier.client.client import Client
from atelier.client.job import Job


def eventually(condition: Callable[[], bool], *, seconds: float = 60) -> None:
    """Return when the condition holds; fail where it does not in time."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"not within {seconds} s"
        time.sleep(0.02)


def until_running(client: Client, job: Job) -> None:
    """Return when the job has begun; fail where it is over already."""
    for event in client.jobs.events(job):
        if event.kind == "state" and event.data["status"] == "running":
            return
    pytest.fail("the job never ran")
