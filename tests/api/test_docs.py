"""/openapi.json and /docs."""

import re

from apiflask import APIFlask
from flask.testing import FlaskClient
from openapi_spec_validator import OpenAPIV31SpecValidator

from api.problems import STATUS


def test_the_document_is_valid_openapi(client: FlaskClient) -> None:
    document = client.get("/openapi.json").json
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


def test_every_route_is_described(app: APIFlask, client: FlaskClient) -> None:
    paths = client.get("/openapi.json").json["paths"]
    for rule in app.url_map.iter_rules():
        path = re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            assert path == "/" or method.lower() in paths[path], f"{method} {path}"


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
    assert not re.search(r"(?:src|href)=\"(?:https?:)?//", page)
    assert "@import" not in page


def test_the_page_shows_every_operation_and_code(client: FlaskClient) -> None:
    page = client.get("/docs").text
    for path in client.get("/openapi.json").json["paths"]:
        assert f"<code>{path}</code>" in page
    for kind in STATUS:
        assert f'id="problem-{kind.code}"' in page


def test_a_browser_at_the_root_is_sent_to_the_page(client: FlaskClient) -> None:
    assert client.get("/").headers["Location"] == "/docs"
