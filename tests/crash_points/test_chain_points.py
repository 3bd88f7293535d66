"""A process dies about the end of a job whose picture another one takes: both end once all the same."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from atelier.client.client import Client
from shared.identifiers import ANONYMOUS
from tests.crash_points import stories
from tests.crash_points.audit import digests, ending_of
from tests.crash_points.installation import Installation
from tests.support.models.light_models import TRANSFORMER

pytestmark = pytest.mark.slow

# The point, and how the parent goes: one that had not ended when its process died begins again.
PICTURES = {
    "worker.after-claim": "qrqrs",
    "worker.before-succeed": "qrqrs",
    "worker.after-succeed": "qrs",
}
FAILURES = {"worker.before-fail": "qrqrf", "worker.after-fail": "qrf"}


@contextmanager
def nothing_started(client: Client) -> Iterator[None]:
    pause = client.pauses.create("both jobs are sent before one begins")
    yield
    client.pauses.end(pause)


def change_what_comes_of(client: Client, parent: str, output: int) -> str:
    content = {"job": parent, "output": output}
    return client.jobs.create({"type": "transform", "model": TRANSFORMER, "content": content}).id


def chain(installation: Installation, client: Client) -> tuple[str, str]:
    parent = stories.draw(installation, client, "")
    return parent, change_what_comes_of(client, parent, 1)


@pytest.fixture(scope="module")
def calm(installation: Installation) -> list[str]:
    """Return the digests of what a chain makes while nobody dies."""
    with installation.client() as client:
        _, child = chain(installation, client)
        client.jobs.wait(child, timeout_seconds=30)
        return digests(client, child)


@pytest.mark.parametrize("point", PICTURES)
def test_a_child_starts_though_the_process_of_its_parent_dies(
    installation: Installation, client: Client, calm: list[str], point: str
) -> None:
    with nothing_started(client):
        parent, child = chain(installation, client)
        installation.strikes.arm(point)
    installation.await_strike(point)
    client.jobs.wait(child, timeout_seconds=30)
    histories = [ending_of(installation, job).history for job in (parent, child)]
    # The process that ended the parent claims the next job in the same round trip, and that may be the child.
    assert histories[0] == PICTURES[point]
    assert histories[1] in ({"qrs", "qrqrs"} if point == "worker.after-succeed" else {"qrs"})
    assert digests(client, child) == calm != []
    assert installation.redis.exists(f"atelier:awaiting:{parent}", "atelier:sharers") == 0


@pytest.mark.parametrize("point", FAILURES)
def test_a_child_fails_once_though_the_process_of_its_parent_dies(
    installation: Installation, client: Client, point: str
) -> None:
    with nothing_started(client):
        parent = stories.break_off(installation, client, "")
        child = change_what_comes_of(client, parent, 0)
        installation.strikes.arm(point)
    installation.await_strike(point)
    client.jobs.wait(child, timeout_seconds=30)
    assert [ending_of(installation, job).history for job in (parent, child)] == [FAILURES[point], "qf"]
    error = installation.store.get(child, ANONYMOUS).error
    assert error is not None
    assert error["code"] == "parent_failed"
