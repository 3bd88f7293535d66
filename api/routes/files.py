"""Files: pictures uploaded once, named by their content, used in any number of jobs."""

from dataclasses import asdict

from flask import Response

from api.auth import needs
from api.openapi import (
    BYTES,
    IF_NONE_MATCH,
    PICTURE,
    RANGE,
    SIGNATURE,
    TaggedBlueprint,
    body,
    documented,
    operation,
    ref,
)
from api.requests.body import MULTIPART
from api.requests.field_errors import combined, not_fetched
from api.requests.form_fields import given
from api.requests.forms import sent_form
from api.requests.pictures import as_file, fault, probe_upload, unknown_fields
from api.requests.query import PageQuery, parameters_of, read_query
from api.responses.content import Content, send
from api.responses.representation import json_response, page_response, require_match
from api.responses.views import BatchLimitsView, FilePage, FileUrls, FileView, LimitsView
from api.services import base_url, links, owner, services
from shared.access.key import Scope
from shared.errors import AtelierError
from shared.files.file_store import StoredFile
from shared.identifiers import file_id, sha256
from shared.images.limits import ImageLimits
from shared.jobs.views import rfc3339

blueprint = TaggedBlueprint("files", tag="Files", url_prefix="/v1")

_FORM = {
    "type": "object",
    "properties": {"file": PICTURE},
    "required": ["file"],
    "additionalProperties": False,
}
_WHERE = {"Location": "Where the file is."}


def _view(file: StoredFile) -> FileView:
    home = f"{base_url()}/v1/files/{file.id}"
    return FileView(
        id=file.id,
        object="file",
        content_type=file.media_type,
        width=file.width,
        height=file.height,
        bytes=file.bytes,
        sha256=file.sha256,
        created_at=rfc3339(file.created_at),
        expires_at=None if file.expires_at is None else rfc3339(file.expires_at),
        urls=FileUrls(self=home, content=links().signed(f"/v1/files/{file.id}/content")),
    )


@blueprint.post("/files")
@operation(
    "uploadFile",
    {
        200: documented("The same picture was there", ref("FileView"), headers=_WHERE),
        201: documented("The picture is stored", ref("FileView"), headers=_WHERE),
    },
    problems=(413, 415, 422, 429, 503, 507),
    request_body=body({MULTIPART: _FORM}),
)
@needs(Scope.SUBMIT)
def upload_file() -> Response:
    """Upload a picture.

    The form has one part, `file`. The same bytes have the same id, however often they come.
    """
    data = _only_part()
    upload = probe_upload(services(), file_id(sha256(data)), data, "/file")
    file, created = services().files.add(owner(), upload.data, upload.info)
    view = _view(file)
    return json_response(view, 201 if created else 200, {"Location": view.urls.self})


def _only_part() -> bytes:
    fields, parts = sent_form(MULTIPART)
    texts = given(fields.getlist("file"))
    sent = [data for data in parts.getlist("file") if data is not None]
    faults: list[AtelierError] = list(unknown_fields({*fields, *parts}, ("file",)))
    if not sent:
        faults.append(_unsent(texts[0] if texts else ""))
    if len(sent) > 1:
        faults.append(fault("/file", "file may be given once", "repeated_field"))
    if faults:
        raise combined(faults)
    return sent[0]


def _unsent(text: str) -> AtelierError:
    advice = not_fetched(text)
    if advice:
        return fault("/file", f"file {advice}", "invalid_format")
    return fault("/file", f"file is missing; {as_file('file', text or 'photo.jpg')}", "missing")


@blueprint.get("/files")
@operation(
    "listFiles",
    {
        200: documented(
            "A page of files", ref("FilePage"), headers={"Link": "The next page, where there is one."}
        )
    },
    problems=(422, 503),
    parameters=parameters_of(PageQuery),
)
@needs(Scope.READ)
def list_files() -> Response:
    """List files, newest first."""
    query = read_query(PageQuery)
    page = services().files.page(owner(), limit=query.limit, cursor=query.cursor)
    return page_response(FilePage, page, _view)


@blueprint.get("/limits")
@operation("getLimits", {200: documented("The limits", ref("LimitsView"))}, problems=(503,))
@needs(Scope.READ)
def get_limits() -> Response:
    """Read what a picture, a job and a batch may have, before they are sent."""
    settings = services().settings
    limits = asdict(ImageLimits.of(settings.limits))
    view = LimitsView(
        object="limits",
        **{**limits, "formats": sorted(limits["formats"])},
        max_spec_bytes=settings.limits.max_spec_bytes,
        max_ttl_seconds=settings.jobs.longest_ttl_seconds,
        max_delay_seconds=settings.jobs.max_delay_seconds,
        batch=BatchLimitsView.model_validate(settings.batches, from_attributes=True),
    )
    return json_response(view)


@blueprint.get("/files/<name>")
@operation("getFile", {200: documented("The file", ref("FileView"))}, problems=(404, 503))
@needs(Scope.READ)
def get_file(name: str) -> Response:
    """Read what is known of a file."""
    return json_response(_view(services().files.get(owner(), name)))


@blueprint.get("/files/<name>/content")
@operation("getFileContent", BYTES, problems=(404, 416, 503), parameters=(RANGE, IF_NONE_MATCH, *SIGNATURE))
@needs(Scope.READ, signed=True)
def get_file_content(name: str) -> Response:
    """Download a file as it was uploaded. It never changes."""
    file = services().files.get(owner(), name)
    content = Content(
        key=file.key,
        media_type=file.media_type,
        size=file.bytes,
        sha256=file.sha256,
        name=f"{file.id[:17]}.{file.media_type.rpartition('/')[2]}",
    )
    return send(content, services().objects)


@blueprint.delete("/files/<name>")
@operation("deleteFile", {204: documented("The file is forgotten")}, problems=(404, 409, 503))
@needs(Scope.SUBMIT)
def delete_file(name: str) -> Response:
    """Forget a file that no unfinished job needs."""
    require_match(None)
    services().files.delete(owner(), name)
    return Response(status=204)
