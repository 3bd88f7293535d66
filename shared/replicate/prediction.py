"""A job as a prediction, in the words that Replicate's official clients take.

They read strictly: a status that they do not know, or a `version` that is null, is an exception in a program.
"""

from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from shared.cards.card import Catalog
from shared.cards.parts import VERSION_SIGN, name_of
from shared.errors import CardUnusable, UnknownModel
from shared.identifiers import sha256
from shared.jobs.job import Job, Progress
from shared.jobs.rendering import Links, rendered_times
from shared.jobs.status import Status
from shared.jobs.views import View

HOME = "/replicate/v1"  # below the service's base
OWNER = "atelier"  # of every model
ENCODING = "output_encoding"  # the input that says how pictures come; the job has it among its metadata
PredictionStatus = Literal["starting", "processing", "succeeded", "failed", "canceled"]

STATUSES: dict[Status, PredictionStatus] = {
    Status.QUEUED: "starting",
    Status.RUNNING: "processing",
    Status.SUCCEEDED: "succeeded",
    Status.FAILED: "failed",
    Status.CANCELED: "canceled",
    Status.EXPIRED: "canceled",  # as Replicate ends what `Cancel-After` stops
}
LISTED = frozenset({"generate"})  # kinds whose output is a list, also where it has one picture
_NOT_INPUT = {"type", "model", "webhook"}  # of a specification: the prediction has these elsewhere
_TIMES = ("created_at", "started_at", "completed_at")
_BAR = 10  # characters


class Prediction(View):
    """A job, as a prediction."""

    id: str
    model: str = Field(description="`owner/name`.")
    version: str
    status: PredictionStatus
    input: dict[str, Any] = Field(description="As resolved: send it again for the same pictures.")
    output: str | list[str] | None
    logs: str
    error: str | None
    metrics: dict[str, float]
    created_at: str
    started_at: str | None
    completed_at: str | None
    deadline: str | None
    urls: dict[str, str]
    data_removed: bool = False
    source: Literal["api"] = "api"


def prediction_of(job: Job, links: Links, catalog: Catalog) -> Prediction:
    """Return a job as a prediction, whose pictures are links."""
    return Prediction(
        id=job.id,
        model=f"{OWNER}/{name_of(job.spec.model or '')}",
        version=_version_of(job, catalog),
        status=STATUSES[job.status],
        input=_input(job),
        output=output_of(job, (links.output(job.id, index) for index in range(len(job.outputs)))),
        logs=logs_of(job),
        error=error_of(job),
        metrics=_metrics(job),
        deadline=rendered_times(job, ["deadline_at"])["deadline_at"],
        urls=_urls(job, links),
        **rendered_times(job, _TIMES),
    )


def version_id(name: str, version: str) -> str:
    """Return the id of a version of a model: 64 hex digits, as Replicate's have."""
    return sha256(f"{OWNER}/{name}:{version}".encode())


def _version_of(job: Job, catalog: Catalog) -> str:
    """Return the version that a job asked for, which is that of its model's card as long as there is one."""
    reference = job.spec.model or ""
    name, _, asked = reference.partition(VERSION_SIGN)
    try:
        return version_id(name, catalog.get(reference).version)
    except (UnknownModel, CardUnusable):
        return version_id(name, job.model_version or asked)


def _input(job: Job) -> dict[str, Any]:
    given = job.spec.model_dump(mode="json", exclude=_NOT_INPUT, exclude_none=True)
    metadata = given.pop("metadata")
    encoding = {ENCODING: metadata.pop(ENCODING)} if ENCODING in metadata else {}
    return {**given, **({"metadata": metadata} if metadata else {}), **encoding}


def output_of(job: Job, addresses: Iterable[str]) -> str | list[str] | None:
    """Return a prediction's output, given what stands for each of its pictures; None unless it succeeded."""
    if job.status is not Status.SUCCEEDED:
        return None
    listed = list(addresses)
    return listed if job.spec.type in LISTED or len(listed) != 1 else listed[0]


def error_of(job: Job) -> str | None:
    """Return why a prediction that is done has no output; None where nobody but its client ended it."""
    return job.error["detail"] if job.is_done and job.error else None


def logs_of(job: Job) -> str:
    """Return the log of a prediction: how far it is now, and what is to be known of its result."""
    bar = [progress_line(job.progress)] if job.progress and not job.is_done else []
    return "\n".join([*bar, *(f"warning: {code}" for code in job.warnings)])


def progress_line(progress: Progress) -> str:
    """Return how far a job is, as the clients find it in a log: a line like those of tqdm."""
    percent = int(progress.fraction * 100)
    done, total = (percent, 100) if not progress.total else (progress.step or 0, progress.total)
    return f"{percent:3}%|{'#' * (percent * _BAR // 100):{_BAR}}| {done}/{total}"


def _metrics(job: Job) -> dict[str, float]:
    """Return seconds, of what is done."""
    begun = {"predict_time": job.started_at, "total_time": job.created_at}
    return {
        name: round((job.completed_at - since) / 1000, 3)
        for name, since in begun.items()
        if since is not None and job.completed_at is not None
    }


def _urls(job: Job, links: Links) -> dict[str, str]:
    path = f"{HOME}/predictions/{job.id}"
    home = f"{links.base}{path}"
    # The JavaScript client opens the stream without its token, so the address must do by itself.
    stream = links.signed(f"{path}/stream")
    return {"get": home, "cancel": f"{home}/cancel", "stream": stream, "web": f"{links.base}/"}
