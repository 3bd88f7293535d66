"""Batches carried out by a worker without models."""

from collections.abc import Collection
from typing import Any

from flask.testing import FlaskClient

from tests.support.jobs.fake_worker import FakeWorker


def run_all(
    client: FlaskClient,
    worker: FakeWorker,
    batch: dict[str, Any],
    *,
    failing: Collection[int] = (),
    most: int = 1000,
) -> list[str]:
    """Carry out the batch's queued items by index, some of them badly; return their ids."""
    query = {"status": "queued", "limit": 200}
    waiting = client.get(batch["urls"]["items"], query_string=query).json["data"][:most]
    for item in waiting:
        job = worker.claim(item["id"])
        if int(item["id"].split("-")[1]) in failing:
            worker.fail(job)
        else:
            worker.succeed(job)
    return [item["id"] for item in waiting]
