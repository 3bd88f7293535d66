"""The settings of a batch whose items are lines of JSON: in a line of their own, or in the query."""

import json
from typing import Any
from urllib.parse import quote

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

DIGIT = {"type": "generate", "seed": 7}
LINES = "application/jsonl"
SETTINGS: dict[str, Any] = {
    "name": "summer",
    "metadata": {f"{number:02d}" * 32: "é" * 512 for number in range(16)},
    "lane": "interactive",
    "webhook": {"url": "https://example.org/told", "events": ["batch.completed"]},
}


def lines(*values: object) -> bytes:
    return b"".join(json.dumps(value).encode() + b"\n" for value in values)


def send(client: FlaskClient, body: bytes, query: str = "", **options: Any) -> TestResponse:
    return client.post(f"/v1/batches{query}", data=body, content_type=LINES, **options)


def faults(response: TestResponse) -> list[tuple[str, str]]:
    assert response.json is not None
    return [(fault["pointer"], fault["code"]) for fault in response.json["errors"]]


@pytest.mark.parametrize("place", ["first", "last"])
def test_a_line_has_the_settings(client: FlaskClient, place: str) -> None:
    settings, items = lines({"batch": SETTINGS}), lines(DIGIT, {**DIGIT, "seed": 8})
    response = send(client, settings + items if place == "first" else b"\n" + items + settings + b"\n")
    batch = response.json
    assert (response.status_code, batch["counts"]["total"]) == (202, 2)
    assert (batch["name"], batch["metadata"], batch["lane"]) == (
        "summer",
        SETTINGS["metadata"],
        "interactive",
    )


def test_a_byte_order_mark_may_stand_before_the_settings(client: FlaskClient) -> None:
    batch = send(client, b"\xef\xbb\xbf" + lines({"batch": {"name": "marked"}}, DIGIT)).json
    assert (batch["name"], batch["counts"]["total"]) == ("marked", 1)


def test_a_batch_opened_by_its_settings_alone_takes_items_later(client: FlaskClient) -> None:
    batch = send(client, lines({"batch": {"open": True, "name": "pages"}}, DIGIT)).json
    assert (batch["status"], batch["name"]) == ("open", "pages")
    empty = send(client, lines({"batch": {"open": True}}))
    assert (empty.status_code, empty.json["counts"]["total"]) == (202, 0)


def test_the_line_of_a_fault_is_that_of_the_body(client: FlaskClient) -> None:
    response = send(client, lines({"batch": {"name": "x"}}, DIGIT, {**DIGIT, "digit": 12}))
    assert faults(response) == [("/items/1/digit", "out_of_range")]
    assert response.json["errors"][0]["detail"].startswith("line 3: digit")


@pytest.mark.parametrize(
    ("setting", "fault"),
    [
        ({"batch": {"name": 7}}, ("/name", "invalid_type")),
        ({"batch": {"colour": "red"}}, ("/colour", "unknown_field")),
        ({"batch": {"metadata": {"a": "x" * 513}}}, ("/metadata/a", "invalid_length")),
        ({"batch": {"items": [DIGIT]}}, ("/items", "unknown_field")),
        ({"batch": {"template": DIGIT}}, ("/template", "unknown_field")),
        ({"batch": [1]}, ("/batch", "invalid_type")),
        ({"batch": {"name": "x"}, "type": "generate"}, ("/type", "unknown_field")),
    ],
)
def test_wrong_settings_are_refused_by_name(
    client: FlaskClient, setting: object, fault: tuple[str, str]
) -> None:
    response = send(client, lines(setting, DIGIT))
    assert (response.status_code, faults(response)) == (422, [fault])


def test_a_setting_is_given_once(client: FlaskClient) -> None:
    response = send(client, lines({"batch": {"name": "x"}}, DIGIT), "?name=y&lane=bulk")
    assert (response.status_code, faults(response)) == (422, [("/name", "repeated_field")])
    apart = send(client, lines({"batch": {"name": "x"}}, DIGIT), "?lane=interactive").json
    assert (apart["name"], apart["lane"]) == ("x", "interactive")
    twice = send(client, lines({"batch": {"name": "x"}}, DIGIT, {"batch": {"lane": "bulk"}}))
    assert faults(twice) == [("/batch", "repeated_field")]


def test_settings_have_no_place_among_further_items(client: FlaskClient) -> None:
    batch = send(client, lines({"batch": {"open": True}}, DIGIT)).json
    for body in (lines({"batch": {"name": "x"}}, DIGIT), lines(DIGIT, {"batch": {"name": "x"}})):
        response = client.post(batch["urls"]["items"], data=body, content_type=LINES)
        assert (response.status_code, faults(response)) == (422, [("/batch", "unknown_field")])
    assert client.get(batch["urls"]["self"]).json["counts"]["total"] == 1


def test_the_query_works_as_before(client: FlaskClient) -> None:
    query = f"?name=old&metadata={quote(json.dumps({'a': 'b'}))}"
    batch = send(client, lines(DIGIT), query).json
    assert (batch["name"], batch["metadata"]) == ("old", {"a": "b"})


@pytest.mark.parametrize("path", ["/v1/batches?name=caf%E9", "/v1/jobs?model=caf%E9"])
def test_a_query_that_is_not_utf8_is_refused_by_name(client: FlaskClient, path: str) -> None:
    response = (
        client.post(path, data=lines(DIGIT), content_type=LINES) if "name" in path else client.get(path)
    )
    name = "/name" if "name" in path else "/model"
    assert (response.status_code, faults(response)) == (422, [(name, "invalid_encoding")])


def test_a_repetition_with_other_settings_is_another_request(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k"}
    first = send(client, lines({"batch": {"name": "x"}}, DIGIT), headers=headers)
    again = send(client, lines({"batch": {"name": "x"}}, DIGIT), headers=headers)
    other = send(client, lines({"batch": {"name": "y"}}, DIGIT), headers=headers)
    assert again.json["id"] == first.json["id"]
    assert (other.status_code, other.json["code"]) == (422, "idempotency_key_reused")


@pytest.mark.parametrize("kind", ["application/json", "application/vnd.atelier+json"])
def test_json_may_begin_with_a_byte_order_mark(client: FlaskClient, kind: str) -> None:
    mark = b"\xef\xbb\xbf"
    for path, body in (
        ("/v1/jobs", DIGIT),
        ("/v1/batches", {"items": [DIGIT, DIGIT]}),
        ("/v1/batches", {"template": {"type": "generate", "multiply": {"seed": [1]}}}),
    ):
        response = client.post(path, data=mark + json.dumps(body).encode(), content_type=kind)
        assert response.status_code == 202
    form = {"metadata": '\ufeff{"a": "b"}'}
    assert client.post("/v1/jobs/generate", data=form).json["metadata"] == {"a": "b"}
