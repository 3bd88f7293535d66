"""All results of a batch at once: a manifest, an archive, a contact sheet."""

from functools import partial
from typing import Literal, cast

from flask import Response, current_app, request
from pydantic import Field

from api.auth import needs
from api.batches.results import archived, checked_start, result_lines, sheet_entries, sheet_tag
from api.errors import TooManyDownloads
from api.native_threads import in_native_thread
from api.openapi import NOT_MODIFIED, PICTURE, SIGNATURE, TEXT, TaggedBlueprint, documented, operation
from api.requests.query import Place, QueryModel, parameters_of, read_query
from api.responses.representation import conditional
from api.responses.sheets.contact_sheet import MAX_CELLS, SheetLayout, contact_sheet
from api.responses.sheets.sheet_cache import SheetCache
from api.server.threads import waits
from api.services import links, owner, services
from shared.access.key import Scope

blueprint = TaggedBlueprint("batch_results", tag="Batches", url_prefix="/v1/batches/<batch_id>")

GONE = (404, 410, 422, 503)
MAX_PART = 50_000
SHEETS = "atelier.sheets"  # name of the application's SheetCache among its extensions


class PartQuery(QueryModel):
    """Which results, in the order in which the items ended."""

    after: Place = Field(default=0, description="How many results are passed over.")
    limit: int = Field(default=MAX_PART, ge=1, le=MAX_PART, description="How many results are sent at most.")


class SheetQuery(QueryModel):
    """How the sheet looks."""

    columns: int = Field(default=10, ge=1, le=40)
    side: int = Field(default=128, ge=32, le=256, description="Pixels of a cell's side.")
    limit: int = Field(default=100, ge=1, le=MAX_CELLS, description="Items at most, by index.")
    format: Literal["jpeg", "png"] = "jpeg"


@blueprint.get("/results.jsonl")
@operation(
    "getManifest",
    {200: documented("Results, one JSON object a line", TEXT, media_type="application/jsonl")},
    problems=GONE,
    parameters=(*parameters_of(PartQuery), *SIGNATURE),
)
@needs(Scope.READ, signed=True)
def get_manifest(batch_id: str) -> Response:
    """Read how the items ended so far, one line each, in the order in which they ended.

    A line is what `/finished` lists: custom id, status, pictures with address and sha256, or the error.
    """
    query = read_query(PartQuery)
    services().batches.get(batch_id, owner())
    lines = result_lines(services(), links(), batch_id, owner(), after=query.after, limit=query.limit)
    return _streamed(Response(checked_start(lines), mimetype="application/jsonl"), batch_id, "jsonl")


@blueprint.get("/results.zip")
@operation(
    "getArchive",
    {200: documented("The archive", PICTURE, media_type="application/zip")},
    problems=GONE,
    parameters=(*parameters_of(PartQuery), *SIGNATURE),
)
@needs(Scope.READ, signed=True)
def get_archive(batch_id: str) -> Response:
    """Download the pictures of the items that have ended so far, in one ZIP file.

    It is written while it is sent. Pictures are called after their items, and `results.jsonl` in it tells
    which item made which. To fetch a large batch in parts, or what has ended since, give `after` and `limit`.
    """
    query = read_query(PartQuery)
    services().batches.get(batch_id, owner())
    stream = archived(services(), links(), batch_id, owner(), after=query.after, limit=query.limit)
    return _streamed(Response(checked_start(stream), mimetype="application/zip"), batch_id, "zip")


def _streamed(response: Response, batch_id: str, extension: str) -> Response:
    """Occupy a waiter slot while the response is sent, because a download may keep a thread for long."""
    waiting = waits()
    if not waiting.take():
        raise TooManyDownloads("as many clients as can be served are downloading; try again shortly")
    response.call_on_close(waiting.leave)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Content-Disposition"] = f'attachment; filename="{batch_id}.{extension}"'
    return response


def _sheets() -> SheetCache:
    return cast(SheetCache, current_app.extensions.setdefault(SHEETS, SheetCache()))


@blueprint.get("/contact-sheet")
@operation(
    "getContactSheet",
    {
        200: documented("The sheet", PICTURE, media_type="image/*"),
        **NOT_MODIFIED,
    },
    problems=GONE,
    parameters=(*parameters_of(SheetQuery), *SIGNATURE),
)
@needs(Scope.READ, signed=True)
def get_contact_sheet(batch_id: str) -> Response:
    """Look at the first picture of many items at once."""
    query = read_query(SheetQuery)
    entries = sheet_entries(services(), batch_id, owner(), query.limit)
    layout = SheetLayout(query.columns, query.side, query.format)
    response = Response(mimetype=f"image/{query.format}")
    tag = sheet_tag(entries, layout)
    response.set_etag(tag)
    response.headers["Cache-Control"] = "private, no-cache"
    response = conditional(response)
    if response.status_code == 200 and request.method != "HEAD":
        make = partial(in_native_thread, contact_sheet, entries, layout, services().objects)
        response.set_data(_sheets().sheet(tag, make))
    return response
