"""Moves and bulk actions through every process, and past the death of the one that carries them out."""

import pytest

from atelier.client.client import Client
from atelier.local.stack import RunningStack
from tests.support.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.tensorflow]

COUNT = 3000


def test_an_action_whose_process_is_killed_counts_each_job_once(stack: RunningStack, client: Client) -> None:
    run = client.batches.open(name="many")
    run.pause()
    lines = b'{"type": "generate", "seed": 7}\n' * (COUNT // 2)
    for first in (0, COUNT // 2):
        run.append(lines, first=first)
    run.finalize()
    action = client.actions.begin("cancel", batch=run.id, items=True)
    eventually(lambda: client.actions.get(action).succeeded > 0)
    stack.kill("worker-io")
    done = client.actions.wait(action, timeout_seconds=120)
    assert (done.status, done.matched, done.succeeded) == ("completed", COUNT, COUNT)
    assert (done.skipped, done.failed) == ({}, {})
    assert run.refresh().counts["canceled"] == COUNT


def test_what_was_moved_to_the_front_starts_first(client: Client) -> None:
    """In a paused batch everything waits; then the last of two batches goes on before the first."""
    runs = [client.batches.open(name=name) for name in ("first", "second")]
    for run in runs:
        run.pause()
        run.append(b'{"type": "generate", "seed": 7}\n' * 200, first=0)
        run.finalize()
    assert runs[1].move(to="front", lane="interactive").raw["lane"] == "interactive"
    for run in runs:
        run.resume()
    for run in runs:
        assert run.wait(timeout_seconds=120).counts["succeeded"] == 200
    first, second = (max(job.started_at for job in run.jobs() if job.started_at) for run in runs)
    assert second < first
