"""Steps of jobs that take the output of other jobs, which tests share."""

from shared.identifiers import sha256
from shared.jobs.job import Job, StoredOutput
from shared.jobs.store import JobStore
from shared.specs.spec import JOB_SPEC, JobSpec
from shared.storage.base import ObjectStore, output_key
from tests.support.jobs.job_steps import submit


def output_of(job_id: str, number: int = 0) -> str:
    return f"job:{job_id}/{number}"


def painting(content: str, **more: object) -> JobSpec:
    """Return the specification of a job that paints an output."""
    raw = {"type": "stylize", "model": "multistyle-26", "content": content, "styles": [{"number": 1}], **more}
    return JOB_SPEC.validate_python(raw)


def paint(store: JobStore, parent: str, **more: object) -> str:
    """Submit a job that takes the first output of another."""
    fields = {name: more.pop(name) for name in ("owner", "id", "fingerprint") if name in more}
    return submit(store, spec=painting(output_of(parent), **more), **fields)


def make(store: JobStore, objects: ObjectStore | None, job: Job, data: bytes = b"picture") -> StoredOutput:
    """End a running job with one output."""
    key = output_key(job.id, job.attempt, 0, "png")
    if objects is not None:
        objects.put(key, data)
    made = StoredOutput(key, "image/png", 64, 48, len(data), sha256(data))
    store.succeed(job.id, job.attempt, outputs=(made,), timings={}, model=("1", "d"))
    return made
