"""What an installation holds: its jobs' ways and ends, their bytes, and the bytes that nothing names."""

from dataclasses import dataclass

from atelier.client.client import Client
from shared.identifiers import ANONYMOUS, sha256
from shared.maintenance.garbage import plan
from tests.crash_points.installation import Installation

NO_GRACE = -60.0  # seconds: what is stored this very moment counts


@dataclass(frozen=True, slots=True)
class Ending:
    """How a job's life went, by its record and its events."""

    history: str  # its statuses in order, one letter each: q, r, s, f, c
    crashes: int = 0
    failures: int = 0
    released: int = 0


def ending_of(installation: Installation, job_id: str) -> Ending:
    """Return how a job's life went so far; fail where record and events differ."""
    job = installation.store.get(job_id, ANONYMOUS)
    states = [event.data["status"] for event in installation.queries.events(job_id) if event.kind == "state"]
    assert states[-1] == job.status
    assert states.count("running") == job.attempt
    history = "".join(state[0] for state in states)
    return Ending(history, job.crashes, job.failures, job.released)


def digests(client: Client, job_id: str) -> list[str]:
    """Return the digests of a job's outputs, as a client gets them; none where it failed."""
    job = client.jobs.get(job_id)
    return [sha256(picture.data) for picture in client.jobs.pictures(job)] if job.succeeded else []


def job_ids(installation: Installation) -> set[str]:
    """Return the ids of all jobs that the installation knows."""
    return set(installation.redis.zrange(f"atelier:owner:{ANONYMOUS}:jobs", 0, -1))


def stray_keys(installation: Installation) -> set[str]:
    """Return the keys of the objects that no record names, as the collector finds them."""
    found = plan(installation.redis, installation.objects, grace_seconds=NO_GRACE)
    return {orphan.key for orphan in found}
