"""Pages of a list: its query parameters, and the link to the next page."""

from collections import Counter
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Annotated, Any, TypeVar, get_args, get_origin

from flask import g, request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from api.openapi import SIGNATURE, Json, parameter, schema_without_null
from api.requests.body import decoded_pairs, decoded_text
from api.requests.field_errors import (
    CURSOR_PATTERN,
    JOBS_CURSOR_PATTERN,
    QUEUE_CURSOR_PATTERN,
    invalid,
    validated,
)
from api.requests.form_fields import flag, real, whole
from api.requests.read_request import JobField
from shared.cards.parts import Kind
from shared.errors import FieldError
from shared.jobs.listing import JobFilter
from shared.jobs.status import Status
from shared.specs.parts import MAX_SEED, LaneName

MAX_LIMIT = 200
DRY_RUN = "dry_run"
PARTS = "Tell only these fields of each entry, with commas between them."
CURSOR = "The `next_cursor` of the page before."
DEAD = (Status.FAILED, Status.EXPIRED)  # lists of these are for those who look for what went wrong, anywhere
SIGNED_BY = frozenset(entry["name"] for entry in SIGNATURE)
Query = TypeVar("Query", bound=BaseModel)
Place = Annotated[int, Field(ge=0, le=MAX_SEED)]  # a place in a list; the job store counts in 64 bits
PAIR = r"^[^=]+=.*$"
Moment = Annotated[AwareDatetime, Field(strict=False)]  # given as text
StatusName = Annotated[Status, Field(strict=False)]  # given by its name

_READERS: dict[type, Callable[[str], Any]] = {
    list: lambda text: text.split(","),
    bool: flag,
    int: whole,
    float: real,
}


class QueryModel(BaseModel):
    """The parameters of a query. Their texts are read by `read_text`; nothing else is converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)


class DryRunQuery(QueryModel):
    """Whether a submission is carried out."""

    dry_run: bool = Field(
        default=False,
        description="Accept and store nothing: answer 200 with an `Estimate`, which says what would be "
        "refused as well.",
    )


class PageQuery(QueryModel):
    """What every list takes."""

    limit: int = Field(
        default=20,
        ge=1,
        le=MAX_LIMIT,
        description="Entries on a page at most; of large jobs there are fewer.",
    )
    cursor: Annotated[str, Field(pattern=CURSOR_PATTERN)] | None = Field(default=None, description=CURSOR)


class JobFilterQuery(QueryModel):
    """Which jobs are meant: in a list, and in a bulk action."""

    status: StatusName | None = Field(default=None, description="Only jobs of this status.")
    type: Kind | None = Field(default=None, description="Only jobs of this type.")
    model: str | None = Field(default=None, max_length=200, description="Only jobs for this model.")
    lane: LaneName | None = Field(
        default=None, description="Only jobs in this lane, into which they may have been moved."
    )
    code: str | None = Field(default=None, max_length=64, description="Only jobs whose error has this code.")
    worker: str | None = Field(
        default=None, max_length=200, description="Only jobs whose latest worker this is."
    )
    model_version: str | None = Field(
        default=None, max_length=200, description="Only jobs that this version of their model made."
    )
    batch: str | None = Field(
        default=None, max_length=200, description="Only items of this batch, where items are listed."
    )
    custom_id: str | None = Field(
        default=None, max_length=64, description="Only items with this name, where items are listed."
    )
    since: Moment | None = Field(
        default=None, description="Only jobs accepted at this time (RFC 3339, with its zone) or later."
    )
    until: Moment | None = Field(default=None, description="Only jobs accepted before this time.")
    metadata: Annotated[str, Field(pattern=PAIR)] | None = Field(
        default=None, max_length=600, description="Only jobs with this pair among theirs: `name=text`."
    )
    style: str | None = Field(
        default=None,
        min_length=1,
        max_length=100,
        description="Only jobs with this style among theirs: a stored style's name, a built-in one's number, "
        "or the id of a file.",
    )
    items: bool | None = Field(
        default=None,
        description="Whether items of batches are listed too, in their batch's place. Without it they are "
        "where `status` is `failed` or `expired`; `unlisted_items` says how many other lists leave out.",
    )

    fields: list[JobField] | None = Field(default=None, description=PARTS)

    @property
    def with_items(self) -> bool:
        """Whether items of batches are listed."""
        return self.status in DEAD if self.items is None else self.items

    @property
    def filters(self) -> JobFilter:
        """What the store is asked for."""
        name, _, text = (self.metadata or "").partition("=")
        return JobFilter(
            status=self.status,
            kind=self.type,
            model=self.model,
            lane=self.lane,
            code=self.code,
            worker=self.worker,
            model_version=self.model_version,
            batch=self.batch,
            custom_id=self.custom_id,
            since=milliseconds_of(self.since),
            until=milliseconds_of(self.until),
            metadata=None if self.metadata is None else (name, text),
            style=self.style,
        )


class JobsQuery(JobFilterQuery, PageQuery):
    """What the list of jobs takes."""

    cursor: Annotated[str, Field(pattern=JOBS_CURSOR_PATTERN)] | None = Field(
        default=None, description=CURSOR
    )


class QueueQuery(PageQuery):
    """What the list of waiting jobs takes."""

    cursor: Annotated[str, Field(pattern=QUEUE_CURSOR_PATTERN)] | None = Field(
        default=None, description=CURSOR
    )
    type: Kind | None = Field(default=None, description="Only jobs of this type.")
    model: str | None = Field(default=None, max_length=200, description="Only jobs for this model.")
    fields: list[JobField] | None = Field(default=None, description=PARTS)


def milliseconds_of(moment: datetime | None) -> int | None:
    """Return a time as the job store has it; None for none."""
    return None if moment is None else int(moment.timestamp() * 1000)


def refuse_repeated() -> None:
    """Raise InvalidRequest that names every parameter which the query of a known address gives twice."""
    if request.routing_exception is not None or b"&" not in request.query_string:
        return
    counts = Counter(name for name, _ in decoded_pairs(request.query_string))
    faults = [
        FieldError(f"/{name}", f"{name} may be given once", "repeated_field")
        for name, count in counts.items()
        if count > 1
    ]
    if faults:
        raise invalid(faults)


def query_texts() -> dict[str, str]:
    """Return the query's parameters; raise InvalidRequest where one is not UTF-8."""
    return {name: decoded_text(name, data) for name, data in decoded_pairs(request.query_string)}


def read_text(model: type[BaseModel], name: str, text: str) -> Any:
    """Return a parameter's text as its field takes it: what cannot be read stays text, to be refused."""
    field = model.model_fields.get(name)
    kinds = set(_kinds(field.annotation)) if field else set()
    return next((read for kind, read in _READERS.items() if kind in kinds), str)(text)


def _kinds(hint: Any) -> Iterator[type]:
    """Yield the plain types of a hint, which may be optional or annotated, and those in a list."""
    if isinstance(hint, type) or get_origin(hint) is list:
        yield get_origin(hint) or hint
    for inner in get_args(hint):
        yield from _kinds(inner)


def read_query(model: type[Query]) -> Query:
    """Return the query string as its model; raise InvalidRequest that names every parameter at fault."""
    texts = query_texts()
    if g.get("may_be_signed"):  # api/auth.py has read the signature
        texts = {name: text for name, text in texts.items() if name not in SIGNED_BY}
    return validated(model, {name: read_text(model, name, text) for name, text in texts.items()})


def is_dry_run(*, alone: bool = True) -> bool:
    """Whether a submission asks for an estimate; raise InvalidRequest for another text than true or false.

    Where the query takes nothing else, what else it has is refused: a slip must not submit in earnest.
    """
    if alone:
        return read_query(DryRunQuery).dry_run
    given = {name: text for name, text in query_texts().items() if name == DRY_RUN}
    read = {name: read_text(DryRunQuery, name, text) for name, text in given.items()}
    return validated(DryRunQuery, read).dry_run


def parameters_of(model: type[BaseModel]) -> list[Json]:
    """Describe a query's model for the OpenAPI document."""
    properties = model.model_json_schema(ref_template="#/components/schemas/{model}")["properties"]
    described = [
        parameter("query", name, schema.pop("description", ""), schema_without_null(schema))
        for name, schema in properties.items()
    ]
    return [
        {**entry, "explode": False} if entry["schema"].get("type") == "array" else entry
        for entry in described
    ]
