"""/openapi.json and /docs."""

import re
from collections.abc import Iterator
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.responses.problems import STATUS
from api.routes.docs import ASSETS, error_codes
from tests.support.http.openapi_client import validate


def test_the_document_is_valid_openapi(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_described(app: Flask, client: FlaskClient) -> None:
    paths = client.get("/openapi.json").json["paths"]
    assert not [path for path in paths if path.startswith("/replicate/")]  # Replicate describes them
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        if path.startswith("/replicate/v1/"):
            continue
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            is_page = path == "/" or path.startswith(("/docs/", "/web/"))
            assert is_page or method.lower() in paths[path], f"{method} {path}"


def test_every_operation_has_a_name_and_a_sentence(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    operations = [operation for path in document["paths"].values() for operation in path.values()]
    assert len({operation["operationId"] for operation in operations}) == len(operations)
    assert all(operation["summary"] for operation in operations)


def test_every_reference_leads_somewhere(client: FlaskClient) -> None:
    text = client.get("/openapi.json").text
    schemas = client.get("/openapi.json").json["components"]["schemas"]
    assert {name for name in re.findall(r"#/components/schemas/(\w+)", text)} <= set(schemas)


def test_the_page_needs_nothing_from_elsewhere(client: FlaskClient) -> None:
    page = client.get("/docs").text
    sheet = client.get("/docs/swagger-ui.css").text
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
    assert "@import" not in page + sheet
    assert not re.search(r"url\(['\"]?(?!['\"]?data:)", sheet)
    assert "validatorUrl: null" in page  # Swagger UI would show a badge from its makers' server


def test_the_pages_policy_lets_its_own_script_run_and_no_other(client: FlaskClient) -> None:
    nonces = []
    for _ in range(2):
        response = client.get("/docs")
        (nonce,) = re.findall(r"'nonce-([\w-]{20,})'", response.headers["Content-Security-Policy"])
        inline = re.findall(r"<script(?![^>]*src=)([^>]*)>", response.text)
        assert inline == [f' nonce="{nonce}"']
        assert not re.search(r"\son\w+=", response.text)  # handlers in attributes, which the policy forbids
        nonces.append(nonce)
    assert nonces[0] != nonces[1]


def test_the_page_loads_swagger_ui_from_here(client: FlaskClient) -> None:
    page = client.get("/docs").text
    for name in ASSETS:
        assert f'="docs/{name}"' in page
        response = client.get(f"/docs/{name}")
        assert (response.status_code, len(response.data) > 500) == (200, True)
        assert (
            client.get(f"/docs/{name}", headers={"If-None-Match": response.headers["ETag"]}).status_code
            == 304
        )
    assert 'fetch("openapi.json")' in page


def test_other_files_of_the_package_are_not_sent(client: FlaskClient) -> None:
    for name in ("index.css", "VERSION", "..%2f__init__.py", "swagger-ui.js"):
        response = client.get(f"/docs/{name}")
        assert (response.status_code, response.json["code"]) == (404, "not_found")


def test_the_page_shows_every_code(client: FlaskClient) -> None:
    page = client.get("/docs").text
    for kind in STATUS:
        assert f'id="problem-{kind.code}"' in page


def test_each_error_code_is_told_in_words_for_a_client() -> None:
    told = {entry.code: entry for entry in error_codes()}
    assert "service itself is at fault" in str(told["internal_error"])
    assert not [entry for entry in told.values() if "Base of" in str(entry)]


def contents(document: Any) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Yield where a body or a response stands, its media type and its description."""
    for path in document["paths"].values():
        for operation in path.values():
            name = operation["operationId"]
            for kind, content in operation.get("requestBody", {}).get("content", {}).items():
                yield f"{name} body", kind, content
            for status, response in operation["responses"].items():
                for kind, content in response.get("content", {}).items():
                    yield f"{name} {status}", kind, content


def test_every_body_and_every_json_has_an_example_that_follows_its_schema(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    for place, kind, content in contents(document):
        if place == "openapi 200" or not (place.endswith("body") or kind.endswith("json")):
            continue
        assert "example" in content, f"{place} {kind} has no example"
        validate(document, content["schema"], content["example"])


def test_the_examples_of_requests_are_accepted_as_they_stand(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    examples = {f"{place} {kind}": content.get("example") for place, kind, content in contents(document)}
    batch = client.post("/v1/batches", json=examples["submitBatch body application/json"])
    lines = examples["submitBatch body application/jsonl"]
    streamed = client.post("/v1/batches", data=lines, content_type="application/jsonl")
    form = client.post("/v1/jobs/generate", data=examples["generate body multipart/form-data"])
    assert [answer.status_code for answer in (batch, streamed, form)] == [202, 202, 202]
    refused = client.post("/v1/jobs", json=examples["submitJob body application/json"])
    assert {fault["code"] for fault in refused.json["errors"]} <= {"style_not_found", "file_not_found"}


def test_the_fields_of_forms_can_be_filled_from_the_examples(client: FlaskClient) -> None:
    """The page writes each form's example into the fields: all names must be fields of the form itself."""
    bodies = [
        content for place, kind, content in contents(client.get("/openapi.json").json) if "form" in kind
    ]
    assert len(bodies) >= 6
    for content in bodies:
        assert content["example"].keys() <= content["schema"]["properties"].keys()
