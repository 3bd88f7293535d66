"""Files: pictures that predictions name by the address which an upload gets."""

import json
import re
from collections.abc import Mapping
from typing import Any

from flask import Blueprint, Response

from api.auth import needs
from api.replicate.pages import json_of, page_of
from api.requests.body import MULTIPART, decoded_name, expect_form
from api.requests.field_errors import combined
from api.requests.json_text import decode_json
from api.requests.multipart import SentPart, sent_parts
from api.requests.pictures import fault, probe_upload, unknown_fields
from api.requests.query import PageQuery, read_query
from api.services import base_url, owner, services
from shared.access.key import Scope
from shared.errors import AtelierError
from shared.files.file_store import StoredFile
from shared.identifiers import file_id, sha256
from shared.jobs.views import rfc3339
from shared.replicate.prediction import HOME

blueprint = Blueprint("files", __name__, url_prefix="/files")

LONGEST_NAME = 255  # characters
MOST_METADATA_BYTES = 4096
FIELDS = ("content", "metadata", "filename", "type")
_PAIR = re.compile(r"metadata\[([^\[\]]{1,255})\]")


def _view(file: StoredFile) -> dict[str, Any]:
    return {
        "id": file.id,
        "name": file.name or file.id,
        "content_type": file.media_type,
        "size": file.bytes,
        "etag": file.sha256,
        "checksums": {"sha256": file.sha256},
        "metadata": json.loads(file.metadata),
        "created_at": rfc3339(file.created_at),
        "expires_at": None if file.expires_at is None else rfc3339(file.expires_at),
        "urls": {"get": f"{base_url()}{HOME}/files/{file.id}"},
    }


@blueprint.post("")
@needs(Scope.SUBMIT)
def upload_file() -> Response:
    """Store a picture under what the client calls it. The same bytes are the same file."""
    expect_form(MULTIPART)
    faults: list[AtelierError] = []
    parts = _parts(faults)
    pairs = {found[1]: parts.pop(found[0]) for found in map(_PAIR.fullmatch, list(parts)) if found}
    faults += unknown_fields(parts, FIELDS)
    if "content" not in parts:
        faults.append(fault("/content", "content is missing: it is the picture", "missing"))
    metadata, called = _metadata(parts.get("metadata"), pairs, faults), _name(parts, faults)
    if faults:
        raise combined(faults)
    data = parts["content"].data.getvalue()
    upload = probe_upload(services(), file_id(sha256(data)), data, "/content")
    services().files.add(owner(), data, upload.info)
    services().files.describe(owner(), upload.file_id, called=called, metadata=metadata)
    return json_of(_view(services().files.get(owner(), upload.file_id)), 201)


def _parts(faults: list[AtelierError]) -> dict[str, SentPart]:
    parts: dict[str, SentPart] = {}
    for part in sent_parts():
        if part.name in parts:
            faults.append(fault(f"/{part.name}", f"{part.name} may be given once", "repeated_field"))
        parts[part.name] = part
    return parts


def _metadata(part: SentPart | None, pairs: Mapping[str, SentPart], faults: list[AtelierError]) -> str:
    """Return the metadata as JSON.

    The JavaScript client sends them as a file, the Python client 2 each pair as a text of its own.
    """
    texts = {name: decoded_name(each.data.getvalue()) for name, each in pairs.items()}
    data = part.data.getvalue() if part else json.dumps(texts).encode()
    if len(data) > MOST_METADATA_BYTES:
        detail = f"metadata may have at most {MOST_METADATA_BYTES} bytes"
        faults.append(fault("/metadata", detail, "invalid_length"))
        return ""
    try:
        value = decode_json(data, subject="metadata")
    except AtelierError as error:
        faults.append(fault("/metadata", error.detail, error.code))
        return ""
    if not isinstance(value, dict):
        faults.append(fault("/metadata", "metadata must be a JSON object", "invalid_type"))
    return json.dumps(value, separators=(",", ":"))


def _name(parts: dict[str, SentPart], faults: list[AtelierError]) -> str:
    """Return what the client calls the file: by a field of its own, else by its part of the form."""
    if "filename" in parts:
        name = decoded_name(parts["filename"].data.getvalue())
    else:
        sent = parts["content"].filename if "content" in parts else None
        name = decoded_name((sent or "").encode("latin-1", "replace"))
    if len(name) > LONGEST_NAME:
        detail = f"the name of a file may have at most {LONGEST_NAME} characters"
        faults.append(fault("/filename", detail, "invalid_length"))
    return name


@blueprint.get("")
@needs(Scope.READ)
def list_files() -> Response:
    """List files, newest first."""
    query = read_query(PageQuery)
    page = services().files.page(owner(), limit=query.limit, cursor=query.cursor)
    return page_of([_view(file) for file in page.items], page.next_cursor)


@blueprint.get("/<name>")
@needs(Scope.READ)
def get_file(name: str) -> Response:
    """Read what is known of a file."""
    return json_of(_view(services().files.get(owner(), name)))


@blueprint.delete("/<name>")
@needs(Scope.SUBMIT)
def delete_file(name: str) -> Response:
    """Forget a file that no unfinished job needs."""
    services().files.delete(owner(), name)
    return Response(status=204)
