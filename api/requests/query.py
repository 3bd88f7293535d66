"""Pages of a list: its query parameters, and the link to the next page."""

from typing import Annotated, TypeVar

from flask import g, request
from pydantic import BaseModel, ConfigDict, Field

from api.openapi import SIGNATURE, Json, parameter, schema_without_null
from api.requests.body import decoded_pairs, decoded_text
from api.requests.field_errors import CURSOR_PATTERN, JOBS_CURSOR_PATTERN, validated
from shared.cards.parts import Kind
from shared.jobs.listing import JobFilter
from shared.jobs.status import Status

MAX_LIMIT = 200
CURSOR = "The `next_cursor` of the page before."
DEAD = (Status.FAILED, Status.EXPIRED)  # lists of these are for those who look for what went wrong, anywhere
SIGNED_BY = frozenset(entry["name"] for entry in SIGNATURE)
Query = TypeVar("Query", bound=BaseModel)


class PageQuery(BaseModel):
    """What every list takes."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    limit: int = Field(default=20, ge=1, le=MAX_LIMIT, description="How many entries a page has at most.")
    cursor: Annotated[str, Field(pattern=CURSOR_PATTERN)] | None = Field(default=None, description=CURSOR)


class JobsQuery(PageQuery):
    """What the list of jobs takes too."""

    cursor: Annotated[str, Field(pattern=JOBS_CURSOR_PATTERN)] | None = Field(
        default=None, description=CURSOR
    )

    status: Status | None = Field(default=None, description="Only jobs of this status.")
    type: Kind | None = Field(default=None, description="Only jobs of this type.")
    model: str | None = Field(default=None, max_length=200, description="Only jobs for this model.")
    code: str | None = Field(default=None, max_length=64, description="Only jobs whose error has this code.")
    worker: str | None = Field(
        default=None, max_length=200, description="Only jobs whose latest worker this is."
    )
    items: bool | None = Field(
        default=None,
        description="Whether items of batches are listed too, in their batch's place. Without it they are "
        "where `status` is `failed` or `expired`; `unlisted_items` says how many other lists leave out.",
    )

    @property
    def with_items(self) -> bool:
        """Whether items of batches are listed."""
        return self.status in DEAD if self.items is None else self.items

    @property
    def filters(self) -> JobFilter:
        """What the store is asked for."""
        return JobFilter(self.status, self.type, self.model, self.code, self.worker)


def query_texts() -> dict[str, str]:
    """Return the query's parameters, the first of each name; raise InvalidRequest where one is not UTF-8."""
    found: dict[str, str] = {}
    for name, data in decoded_pairs(request.query_string):
        found.setdefault(name, decoded_text(name, data))
    return found


def read_query(model: type[Query]) -> Query:
    """Return the query string as its model; raise InvalidRequest that names every parameter at fault."""
    texts = query_texts()
    if g.get("may_be_signed"):  # api/auth.py has read the signature
        texts = {name: text for name, text in texts.items() if name not in SIGNED_BY}
    return validated(model, texts)


def parameters_of(model: type[BaseModel]) -> list[Json]:
    """Describe a query's model for the OpenAPI document."""
    properties = model.model_json_schema(ref_template="#/components/schemas/{model}")["properties"]
    return [
        parameter("query", name, schema.pop("description", ""), schema_without_null(schema))
        for name, schema in properties.items()
    ]
