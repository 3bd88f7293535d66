"""What the stream of all of an owner's events costs: memory and time of the job store.

Usage: python -m bench.service.owner_events [--jobs N]
"""

import argparse
import tempfile
from pathlib import Path

from atelier.local.redis_server import EmbeddedServer
from bench.measuring import Table
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.changes import MOST_CHANGED, ChangeQueries
from shared.jobs.job import StoredOutput
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.redis.client import connect
from shared.setting_groups import JobRules
from shared.specs.spec import JOB_SPEC

SPEC = JOB_SPEC.validate_python({"type": "generate", "model": "mnist-dcgan", "seeds": [7], "truncation": 1.0})
OUTPUT = StoredOutput("outputs/job/1/0.png", "image/png", 28, 28, 900, "0" * 64)
ROUNDS = 6  # of each kind, in turns: what else the machine does meets both


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=500, help="jobs of a round")
    given = parser.parse_args()
    table = Table("The stream of an owner's events")
    with tempfile.TemporaryDirectory() as folder, EmbeddedServer(Path(folder)) as server:
        store = JobStore(connect(server.url), JobRules())
        alone, followed = lives(store, given.jobs)
        table.add("server time of a job, nobody follows", 1e6 * alone, "us")
        table.add("the same while somebody follows", 1e6 * followed, "us")
        table.add("memory of an owner nobody follows", kept(store, "owner"), "KB")
        changes = ChangeQueries(store.scripts)
        changes.after(ANONYMOUS)
        for _ in range(2 * MOST_CHANGED):
            submit(store)
        table.add("memory of an owner at worst", kept(store, ANONYMOUS), "KB")
    table.print()


def kept(store: JobStore, owner: str) -> float:
    """Return the kilobytes that the store keeps of an owner's changes."""
    return sum(store.client.memory_usage(key, samples=0) or 0 for key in keys_of(store, owner)) / 1000


def lives(store: JobStore, jobs: int) -> tuple[float, float]:
    """Return the server's seconds for a job, from submission to success: unfollowed, and followed.

    The least of some rounds counts: what else the machine does makes others longer.
    """
    found: dict[bool, list[float]] = {False: [], True: []}
    for number in range(2 * ROUNDS):
        is_followed = number % 2 == 1
        store.client.delete(*keys_of(store, ANONYMOUS))
        if is_followed:
            ChangeQueries(store.scripts).after(ANONYMOUS)
        before = script_seconds(store)
        for _ in range(jobs):
            live(store, submit(store))
        found[is_followed].append((script_seconds(store) - before) / jobs)
    return min(found[False]), min(found[True])


def script_seconds(store: JobStore) -> float:
    """Return the seconds that the server has spent in scripts."""
    return float(store.client.info("commandstats").get("cmdstat_evalsha", {"usec": 0})["usec"]) / 1e6


def keys_of(store: JobStore, owner: str) -> list[str]:
    """Return the keys of an owner's changes."""
    return [store.scripts.keys(name, owner) for name in ("changes", "latest_change")]


def submit(store: JobStore) -> str:
    """Submit a job; return its id."""
    return store.submit(Submission(id=new_job_id(), owner=ANONYMOUS, spec=SPEC, fingerprint="f")).id


def live(store: JobStore, job_id: str) -> None:
    """Carry a job out."""
    job = store.claim(job_id, "w")
    assert job is not None, "it was submitted just now"
    store.succeed(job.id, job.attempt, outputs=(OUTPUT,), timings={}, model=("1", "d"))


if __name__ == "__main__":
    main()
