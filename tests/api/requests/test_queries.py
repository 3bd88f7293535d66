"""Queries are read strictly: each parameter once, numbers within 64 bits and written as numbers."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

GENERATE = {"type": "generate"}
LINES = "application/jsonl"
LINE = b'{"type": "generate"}\n'
LARGE = [
    "9223372036854775808",
    "18446744073709551616",
    "9" * 30,
    "9" * 5000,
    "-1",
    "1.0",
    "1_0",
    "0x1",
    "1e3",
]


def faults(response: TestResponse) -> list[tuple[str, str]]:
    return [(fault["pointer"], fault["code"]) for fault in response.json["errors"]]


@pytest.fixture
def batch(client: FlaskClient) -> str:
    response = client.post("/v1/batches", json={"items": [GENERATE], "open": True})
    return f"/v1/batches/{response.json['id']}"


NUMBERS = [
    ("/finished", "after"),
    ("/finished", "limit"),
    ("/results.jsonl", "after"),
    ("/results.jsonl", "limit"),
    ("/results.zip", "after"),
    ("/contact-sheet", "columns"),
    ("/items", "limit"),
    ("/items", "cursor"),
]


@pytest.mark.parametrize(("path", "name"), NUMBERS)
def test_a_number_that_is_none_or_too_large_is_refused(
    client: FlaskClient, batch: str, path: str, name: str
) -> None:
    for text in LARGE:
        response = client.get(f"{batch}{path}?{name}={text}")
        assert response.status_code == 422, (text, response.data)
        assert faults(response)[0][0] == f"/{name}"


def test_a_place_for_items_is_within_the_batch(client: FlaskClient, batch: str) -> None:
    for text in LARGE:
        response = client.post(f"{batch}/items?first={text}", data=LINE, content_type=LINES)
        assert response.status_code == 422, (text, response.data)
    for text in ("inf", "nan", "-1", "1e999"):
        assert client.get(f"{batch}/finished?wait={text}").status_code == 422


def test_an_index_of_an_output_is_a_number(client: FlaskClient) -> None:
    job = client.post("/v1/jobs", json=GENERATE).json["id"]
    for text in LARGE:
        assert client.get(f"/v1/jobs/{job}/outputs/{text}").status_code == 404


@pytest.mark.parametrize(
    "given",
    ["18446744073709551616", "0-18446744073709551616", "99999999999999999999-1", "1-", "-1", "9" * 30],
)
def test_an_event_id_above_64_bits_is_refused(client: FlaskClient, batch: str, given: str) -> None:
    job = client.post("/v1/jobs", json=GENERATE).json["urls"]["events"]
    for path in (job, f"{batch}/events"):
        response = client.get(path, headers={"Last-Event-ID": given})
        assert (response.status_code, response.json["code"]) == (400, "invalid_header")


def test_an_event_id_of_64_bits_is_read(client: FlaskClient, batch: str) -> None:
    response = client.get(f"{batch}/events", headers={"Last-Event-ID": "18446744073709551615-7"})
    assert response.status_code == 200
    response.close()


@pytest.mark.parametrize(
    "query",
    ["limit=5&limit=7", "limit=5&limit=5", "%6cimit=5&limit=7", "limit&limit", "limit=5&cursor=1&limit=9"],
)
def test_a_parameter_is_given_once(client: FlaskClient, query: str) -> None:
    response = client.get(f"/v1/jobs?{query}")
    assert (response.status_code, faults(response)) == (422, [("/limit", "repeated_field")])


def test_no_address_takes_a_parameter_twice(app: Flask, client: FlaskClient) -> None:
    paths = {rule.rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/v1")}
    for path in paths:
        assert client.get(f"{path}?limit=1&wait=0&wait=1").status_code in (404, 405, 422), path
    settings = client.post("/v1/batches?name=a&name=b", data=LINE, content_type=LINES)
    assert faults(settings) == [("/name", "repeated_field")]


@pytest.mark.parametrize(
    "query", ["items=maybe", "items=2", "limit=five", "limit=5.0", "status=Queued", "model="]
)
def test_a_text_is_read_as_its_type_or_refused(client: FlaskClient, query: str) -> None:
    response = client.get(f"/v1/jobs?{query}")
    assert response.status_code == (200 if query == "model=" else 422)


def test_settings_of_a_batch_in_a_query_are_read_by_their_types(client: FlaskClient) -> None:
    query = "ttl_seconds=3600&cache=true&open=yes&lane=interactive&name=5&deadline_seconds=60"
    response = client.post(f"/v1/batches?{query}", data=LINE, content_type=LINES)
    assert response.status_code == 202, response.data
    assert (response.json["name"], response.json["lane"]) == ("5", "interactive")
    for query in ("ttl_seconds=1.0", "cache=2", "open=", "ttl_seconds=true"):
        response = client.post(f"/v1/batches?{query}", data=LINE, content_type=LINES)
        assert faults(response) == [(f"/{query.partition('=')[0]}", "invalid_type")]
