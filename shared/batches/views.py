"""The representations of a batch and of its items' results for clients."""

from typing import Literal

from pydantic import Field

from shared.jobs.status import Status
from shared.jobs.views import FailureView, HoldView, JobError, ModelUse, Time, Url, View
from shared.specs.parts import Lane


class BatchCounts(View):
    """How many of the items are where."""

    total: int
    queued: int
    running: int
    succeeded: int
    failed: int
    canceled: int
    expired: int


class BatchProgress(View):
    """How far a batch is, and how fast it goes. What was not measured yet is null."""

    fraction: float = Field(ge=0, le=1, description="The share of the items that are done.")
    rate_per_second: float | None = Field(
        description="How many items succeeded or failed in a second, on average: from the start of the first "
        "to the latest end. It begins again when a pause ends and when a completed batch is retried."
    )
    mean_seconds: float | None = Field(description="What an item costs a worker, on average.")
    eta_seconds: float | None = Field(
        description="Seconds until the items that the batch has are done, with all that is before them in "
        "the queue; null while it is paused without an end, while no worker lives, and until such items were "
        "measured. With an API key that is no admin's, as if only the owner's own jobs ran."
    )


class BatchPauseView(View):
    """Why a batch is paused, and until when."""

    since: Time | None = Field(description="Null where an older version paused it.")
    until: Time | None = Field(description="When it goes on by itself; null: when somebody resumes it.")
    reason: str = Field(description="Empty where none was given.")
    by: str | None = Field(
        description="The name of the API key that paused it, or of a proxy's user; null where it paused by "
        "itself."
    )


class ObstacleView(View):
    """What keeps a batch from its place, or ended it."""

    code: str = Field(
        description="`place_unavailable`: the place does not answer or has no room; `place_unknown`: the "
        "operator does not name it any more; `source_too_large`, `file_not_found`, `batch_canceled`: why not "
        "all of a source was taken; else what storing a picture was refused for, such as `quota_exceeded`."
    )
    detail: str
    retry_at: Time | None = Field(description="When it is tried again; null: it is not.")


class SourceView(View):
    """The place that a batch takes its pictures from, and how far that is."""

    place: str
    prefix: str
    match: str
    status: Literal["listing", "reading", "done", "failed"] = Field(
        description="`listing`: names are read; `reading`: pictures are taken, and become items; `done`: all "
        "were; `failed`: not all were, see `error`."
    )
    found: int | None = Field(description="Names that match; null until all are listed.")
    error: ObstacleView | None


class DestinationView(View):
    """The place where a batch's results are put, and how far that is."""

    place: str
    prefix: str
    name: str
    status: Literal["delivering", "delivered", "delivery_failed"] = Field(
        description="`delivered`: every result is there; `delivery_failed`: some are not, and will not be. "
        "All can be fetched from here meanwhile and afterward."
    )
    delivered: int = Field(description="Items whose results are there.")
    failed: int = Field(description="Items whose results are not, and will not be put there.")
    error: ObstacleView | None


class BatchUrls(View):
    """Where to go from here."""

    self: Url  # type: ignore[misc,unused-ignore]
    items: Url
    finished: Url
    results: Url = Field(description="One line of JSON a result.")
    archive: Url = Field(description="All pictures in a ZIP file.")
    contact_sheet: Url
    events: Url
    finalize: Url
    pause: Url
    resume: Url
    cancel: Url
    retry_failed: Url
    pin: Url
    unpin: Url


class BatchView(View):
    """Many jobs as one thing."""

    id: str
    object: Literal["batch"]
    name: str
    status: Literal["open", "running", "paused", "completed", "failed", "canceled"] = Field(
        description="`completed`: every item is done; some may have failed, but not all. `failed`: every "
        "item is done, some failed or expired, and none succeeded. `canceled`: the batch was canceled, or "
        "every item was."
    )
    done: bool = Field(description="Whether every item is done.")
    counts: BatchCounts
    pause: BatchPauseView | None = Field(description="Null unless it is paused.")
    stopped_at: Time | None = Field(
        description="When it paused by itself; null unless it is paused by that. `resume` and "
        "`retry-failed` go on, and what went wrong until then does not count again."
    )
    stopped_by: Literal["stop_when", "sample"] | None = Field(
        description="The setting that paused it. After its `sample` the contact sheet shows what was made."
    )
    sample: int | None = Field(
        description="Items that are done before the batch pauses; null for none, and once `resume` after "
        "that pause lets all others start."
    )
    failures: list[FailureView] = Field(
        description="Of the items that are failed or expired now, by code, the most frequent first."
    )
    progress: BatchProgress
    queue: HoldView | None = Field(
        description="Why the next of its queued items has not started; null where no item is queued."
    )
    source: SourceView | None = Field(description="Null where its items came with requests.")
    destination: DestinationView | None = Field(description="Null where its results are kept here alone.")
    lane: Lane
    metadata: dict[str, str]
    request_id: str | None = Field(
        description="Of the request that began the batch, as `X-Request-Id` and the log have it. "
        "Null for batches that older versions accepted."
    )
    not_before: Time | None = Field(
        description="No item starts before this time; null where the request named none. `resume` before "
        "it starts them, and this is then when."
    )
    created_at: Time
    finalized_at: Time | None = Field(description="When the last item had been sent.")
    completed_at: Time | None
    expires_at: Time | None = Field(
        description="When the batch will be forgotten, with all items; null while it is pinned."
    )
    pinned_at: Time | None = Field(
        description="Since when it is kept until it is unpinned or deleted; null where it is not pinned."
    )
    urls: BatchUrls


class ResultOutput(View):
    """One picture of an item."""

    name: str = Field(description="In `results.zip`; made of the custom id.")
    url: Url
    content_type: str
    width: int
    height: int
    bytes: int
    sha256: str
    seed: int | None


class ItemErrorView(View):
    """Why an item's results are not at the destination."""

    code: str = Field(description="`name_taken`, `name_refused`, `object_not_found`, `place_unavailable`.")
    detail: str


class ItemDeliveryView(View):
    """What became of an item's results at the batch's destination."""

    status: Literal["delivered", "failed"]
    names: list[str] = Field(description="Under which they are in the place, as the outputs are ordered.")
    error: ItemErrorView | None = None


class ResultView(View):
    """How one item of a batch ended."""

    custom_id: str
    index: int
    id: str = Field(description="The id of the item's job.")
    status: Status
    model: ModelUse
    outputs: list[ResultOutput]
    error: JobError | None
    warnings: list[str] = Field(description="As those of a job.")
    cached_from: str | None = Field(description="Id of the equal job whose result was taken over.")
    source: str | None = Field(
        description="The name of its picture below the prefix of the batch's source; null where it has none."
    )
    delivery: ItemDeliveryView | None = Field(
        description="Null where the batch has no destination, the item no result, or it is not there yet."
    )
    completed_at: Time | None


class FinishedPage(View):
    """Some results, in the order in which the items ended."""

    object: Literal["list"]
    data: list[ResultView]
    next_after: int = Field(description="Hand it back as `after` for what ends later.")
    done: bool = Field(description="Whether this was all: the batch is done, and no result is left.")
