"""What workers look like, as JSON and in the OpenAPI document, and the request to cordon one."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from shared.fleet import Cordon, NamedWorker, WorkerState
from shared.jobs.views import Time, View, rfc3339
from shared.specs.parts import Lane
from shared.workers import numerics_of


class CordonRequest(BaseModel):
    """Why a worker is to claim no more jobs."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    reason: Annotated[str, Field(max_length=200, pattern=r"^[^\x00-\x1f\x7f]*$")] = Field(
        default="", description="For people: it comes back with the worker."
    )


class CordonView(View):
    """Why a worker claims no jobs."""

    at: Time
    by: str = Field(description="The id of the API key that asked; `anonymous` where none was needed.")
    reason: str
    drain: bool = Field(description="Whether it was asked to drain.")


class WorkerView(View):
    """A worker, by the name that it keeps over restarts."""

    object: Literal["worker"]
    name: str
    state: WorkerState = Field(
        description="`active`: it claims jobs. `cordoned`: it claims none, and what it runs goes on. "
        "`draining`: the same, until it runs nothing. `drained`: it runs nothing, and may be stopped. "
        "`gone`: it does not live, and will be cordoned when it comes back."
    )
    cordon: CordonView | None
    processes: list[str] = Field(
        description="Ids of those that live, as jobs name them in `worker`. More than one: two workers share "
        "the name, or it was restarted within the last seconds."
    )
    labels: list[str]
    lane: Lane | None = Field(description="The lane that it serves alone; null: both.")
    slots: int = Field(description="Jobs that it carries out at once.")
    running: int = Field(description="Jobs that it carries out now.")
    memory_bytes: int | None = Field(
        description="What the processes of its machine or container may take; null of an older worker."
    )
    numerics: list[str] = Field(
        description="By what its processes compute: workers of one numerics make equal bytes of equal jobs. "
        "Empty of an older worker."
    )
    disk_full: bool = Field(description="Whether its disk has no room for results; then it claims no jobs.")
    loaded: list[str] = Field(description="Models that are loaded.")
    available: list[str] | None = Field(
        description="Models that it has, loaded or not; null of an older worker."
    )
    versions: list[str] = Field(
        description="Versions of models that it has, as `name@version`; empty of an older worker."
    )


class WorkerList(View):
    """The workers that live, and those that are cordoned, by name."""

    object: Literal["list"]
    data: list[WorkerView]


def worker_view(worker: NamedWorker) -> WorkerView:
    """Return the representation of a worker."""
    processes = worker.processes
    known = [each.available for each in processes]
    available = None if None in known else sorted({name for names in known for name in names or ()})
    return WorkerView(
        object="worker",
        name=worker.name,
        state=worker.state,
        cordon=_cordon_view(worker.cordon) if worker.cordon else None,
        processes=sorted(each.id for each in processes),
        labels=list(worker.labels),
        lane=Lane(worker.lane) if worker.lane else None,
        slots=sum(each.slots for each in processes),
        running=worker.running,
        memory_bytes=max((each.memory_bytes for each in processes), default=0) or None,
        numerics=sorted(numerics_of(processes)),
        disk_full=any(not each.has_room for each in processes),
        loaded=sorted({model.name for each in processes for model in each.models}),
        available=available,
        versions=sorted({name for each in processes for name in each.versions}),
    )


def _cordon_view(cordon: Cordon) -> CordonView:
    return CordonView(at=rfc3339(cordon.at), by=cordon.by, reason=cordon.reason, drain=cordon.drain)
