"""Steps of jobs that tests of the store share."""

from shared.cards.card import load_catalog
from shared.identifiers import ANONYMOUS, new_job_id
from shared.jobs.job import Job, StoredOutput
from shared.jobs.status import Outcome, Status
from shared.jobs.store import JobStore
from shared.jobs.submission import Submission
from shared.specs.spec import JOB_SPEC, JobSpec, resolve

OUTPUT = StoredOutput("outputs/x/1/0.png", "image/png", 28, 28, 100, "ab" * 32, seed=7)


def submission(**changes: object) -> Submission:
    spec = resolve(JOB_SPEC.validate_python({"type": "generate", "seed": 7}), load_catalog())
    fields = {"id": new_job_id(), "owner": ANONYMOUS, "spec": spec, "fingerprint": "f"}
    return Submission(**{**fields, **changes})  # type: ignore[arg-type]


def submit(store: JobStore, **changes: object) -> str:
    return store.submit(submission(**changes)).id


def claim(store: JobStore, job_id: str) -> Job:
    job = store.claim(job_id, "w1")
    assert job is not None
    return job


def status(store: JobStore, job_id: str) -> Status:
    return store.get(job_id, ANONYMOUS).status


def lapse(store: JobStore, job_id: str) -> None:
    """Let the lease of a running job run out, without waiting for it."""
    assert store.client.zadd("atelier:leases", {job_id: 1}, xx=True) == 0


def pass_pause(store: JobStore, job_id: str) -> None:
    """Let a job's pause pass, without waiting for it."""
    store.client.hset(f"atelier:job:{job_id}", "not_before", 1)
    assert store.client.zadd("atelier:delayed", {job_id: 1}, xx=True) == 0
    store.reap()


def urgent() -> JobSpec:
    """Return a specification with a deadline."""
    return submission().spec.model_copy(update={"deadline_seconds": 60})


def pass_deadline(store: JobStore, job_id: str) -> None:
    """Let a deadline pass, without waiting for it."""
    store.client.hset(f"atelier:job:{job_id}", "deadline_at", 1)
    assert store.client.zadd("atelier:deadlines", {job_id: 1}, xx=True) == 0


def outcomes(job: Job) -> list[Outcome]:
    return [ended.outcome for ended in job.history]
