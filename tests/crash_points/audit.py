"""What an installation holds: its jobs' ways and ends, their bytes, and the bytes that nothing names."""

import io
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np
from PIL import Image

from atelier.client import Client
from shared.identifiers import ANONYMOUS, sha256
from tests.crash_points.premises import Premises


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job's life went, by its record and its events."""

    history: str  # its statuses in order, one letter each: q, r, s, f, c
    crashes: int = 0
    failures: int = 0
    released: int = 0


def ending_of(premises: Premises, job_id: str) -> Ending:
    """Return how a job's life went so far; fail where record and events differ."""
    job = premises.store.get(job_id, ANONYMOUS)
    states = [event.data["status"] for event in premises.queries.events(job_id) if event.kind == "state"]
    assert states[-1] == job.status
    assert states.count("running") == job.attempt
    history = "".join(state[0] for state in states)
    return Ending(history, job.crashes, job.failures, job.released)


def digests(client: Client, job_id: str) -> list[str]:
    """Return the digests of a job's outputs, as a client gets them; none where it failed."""
    job = client.get(job_id)
    return [sha256(picture.data) for picture in client.pictures(job)] if job.succeeded else []


def pixels(data: bytes) -> list[int]:
    """Return a picture's values."""
    with Image.open(io.BytesIO(data)) as picture:
        return [int(value) for value in np.asarray(picture).ravel()]


def job_ids(premises: Premises) -> set[str]:
    """Return the ids of all jobs that the installation knows."""
    return set(premises.redis.zrange(f"atelier:owner:{ANONYMOUS}:jobs", 0, -1))


def stray_keys(premises: Premises) -> set[str]:
    """Return the keys of objects that no record names, and that nobody is told to remove."""
    return {key for key in _stored(premises) if not key.startswith(tuple(_named(premises)))}


def _stored(premises: Premises) -> set[str]:
    return {*premises.objects.keys("inputs/"), *premises.objects.keys("outputs/")}


def _named(premises: Premises) -> Iterable[str]:
    redis = premises.redis
    yield from (redis.hget(key, "key") for key in redis.scan_iter("atelier:file:*"))
    yield from (f"outputs/{job_id}/" for job_id in job_ids(premises))  # go with their job
    yield from redis.zrange("atelier:garbage", 0, -1)
