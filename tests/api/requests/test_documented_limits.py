"""The limits of requests are told as they are, in the documentation and in the OpenAPI document."""

from pathlib import Path

from flask import Flask

from api.docs.document import document
from api.requests import json_text, multipart
from api.requests.query import MAX_LIMIT
from shared.jobs.reading import PAGE_BYTES

DOCS = Path(__file__).parents[3] / "docs"
MEBIBYTE = 1024 * 1024


def test_the_documentation_tells_the_limits() -> None:
    api = (DOCS / "api.md").read_text("utf-8")
    of_jobs = f"{json_text.MAX_PARTS:,} arrays, objects and members of objects"
    for told in (
        f"{json_text.MAX_JSON_BYTES // MEBIBYTE} MiB; {of_jobs}; {json_text.MAX_ENTRIES:,} values",
        f"{json_text.MAX_MEMBERS} members",
        f"{json_text.MAX_TEMPLATE_PARTS:,} arrays",
        f"{multipart.MAX_FORM_TEXT_BYTES // MEBIBYTE} MiB, {multipart.MAX_PARTS:,} fields",
        f"{multipart.MAX_TEXT_BYTES:,} bytes each",
        f"{multipart.MAX_HEADER_BYTES // 1024} KiB",
        f"{MAX_LIMIT} entries",
        f"{PAGE_BYTES // MEBIBYTE} MiB of the job store's records",
    ):
        assert told in api
    assert of_jobs in " ".join((DOCS / "batches.md").read_text("utf-8").split())


def test_the_document_tells_the_limits(app: Flask) -> None:
    with app.app_context():
        described = document()["paths"]["/v1/jobs"]["post"]["description"]
    text = " ".join(described.split())
    assert f"{json_text.MAX_PARTS:,} arrays, objects and members of objects" in text
    assert f"{json_text.MAX_ENTRIES:,} values" in text
