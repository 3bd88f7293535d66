"""Lists that tools answer: jobs, and styles."""

from collections.abc import Sequence

from pydantic import BaseModel

from atelier.client.job import Job


class Listed(BaseModel):
    """One job of a list."""

    job: str
    type: str
    status: str
    created_at: str | None
    pictures: list[str]  # addresses


class JobList(BaseModel):
    """Jobs, newest first."""

    jobs: list[Listed]


class BuiltinView(BaseModel):
    """The styles that a model has of its own: their names, by number from 0 on."""

    model: str
    names: list[str]
    sheet_url: str | None  # a picture of all of them


class StyleList(BaseModel):
    """All styles that `stylize` may be given."""

    stored: list[str]
    builtin: list[BuiltinView]


def listed(job: Job) -> Listed:
    """Return what a list says of a job."""
    created = job.created_at.isoformat() if job.created_at else None
    pictures: Sequence[str] = [output.url for output in job.outputs]
    return Listed(job=job.id, type=job.type, status=job.status, created_at=created, pictures=list(pictures))
