"""A Flask test client that compares every response with the OpenAPI document: what is not described fails."""

import re
from functools import cache
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from openapi_schema_validator import OAS31Validator
from werkzeug.test import TestResponse

from api.docs import document as document_module

Json = dict[str, Any]


class CheckedClient(FlaskClient):
    """Sends requests, and checks each response's status, media type and JSON."""

    def open(self, *args: Any, **kwargs: Any) -> TestResponse:
        response = super().open(*args, **kwargs)
        response.request.environ["wsgi.input"].close()  # large forms are kept in a temporary file
        check(self.application, response)
        return response


def check(app: Flask, response: TestResponse) -> None:
    """Fail where a response is not as the document describes it."""
    with app.app_context():
        document = document_module.document()
    method = response.request.method.lower().replace("head", "get")
    operation = find(document, method, response.request.path)
    is_page = response.request.path == "/" or response.request.path.startswith(("/docs/", "/web/"))
    if is_page or response.request.path.startswith("/replicate/"):
        return  # no part of the API; what Replicate describes
    if operation is None:
        assert response.status_code in (302, 404, 405, 413)
        return
    responses = operation["responses"]
    assert str(response.status_code) in responses or response.status_code >= 400, operation["operationId"]
    described = responses.get(str(response.status_code), responses.get("default"))
    _check_content(document, described, response)


def find(document: Json, method: str, path: str) -> Json | None:
    """Return the operation of a path, the one without parameters first."""
    paths = sorted(document["paths"], key=lambda template: template.count("{"))
    match = next((p for p in paths if _pattern(p).fullmatch(path) and method in document["paths"][p]), None)
    found: Json | None = document["paths"][match][method] if match else None
    return found


@cache
def _pattern(template: str) -> re.Pattern[str]:
    return re.compile(re.sub(r"\\\{\w+\\\}", "[^/]+", re.escape(template)))


def _check_content(document: Json, described: Json, response: TestResponse) -> None:
    content: Json = described.get("content", {})
    if not content:
        assert not response.data
        return
    media_type = response.mimetype
    schema = next((part["schema"] for kind, part in content.items() if _matches(kind, media_type)), None)
    assert schema is not None, f"{media_type} is not described: {list(content)}"
    if media_type.endswith("json") and response.request.method != "HEAD":
        assert response.json is not None
        validate(document, schema, response.json)


def _matches(kind: str, media_type: str) -> bool:
    return kind == media_type or (kind.endswith("/*") and media_type.startswith(kind[:-1]))


def validate(document: Json, schema: Json, value: object) -> None:
    """Fail where a value does not follow a schema of the document."""
    OAS31Validator({**schema, "components": document["components"]}).validate(value)
