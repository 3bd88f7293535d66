"""An id is the whole text: one with a line end or another control character after it names nothing."""

import re
from io import BytesIO
from urllib.parse import quote

import pytest
from flask import Flask
from flask.testing import FlaskClient
from hypothesis import given
from hypothesis import strategies as st

from shared.identifiers import batch_of, is_job_id, new_batch_id
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker

SIGNS = ["\n", "\r", "\r\n", "\t", "\0", "\x0b", "\x1f", "\x7f", "\x85", "\u2028", "\u202e", " ", "\ufeff"]
GENERATE = {"type": "generate"}


@pytest.fixture
def ids(client: FlaskClient, worker: FakeWorker) -> dict[str, str]:
    """An id of something that is there, for each parameter that an address may have."""
    client.put("/v1/jobs/mine", json=GENERATE)
    worker.run("mine")
    batch = client.post("/v1/batches", json={"items": [GENERATE], "open": True}).json["id"]
    pause = client.post("/v1/pauses", json={"reason": "a test"}).json["id"]
    found = {"job_id": "mine", "batch_id": batch, "index": "0", "model": "multistyle-26", "code": "not_found"}
    return {**found, "pause_id": pause}


@pytest.fixture
def names(client: FlaskClient) -> dict[str, str]:
    """The same for `name`, which means another thing in each address."""
    file = client.post("/v1/files", data={"file": (BytesIO(png(40, 40)), "a.png")}).json["id"]
    client.post("/v1/styles", json={"name": "waves", "image": file})
    return {"files": file, "styles": "waves", "models": "mnist-dcgan", "docs": "swagger-ui.css"}


def routes_of(app: Flask) -> list[tuple[str, str]]:
    # The version of a file of the page is no id: a page that was opened before an upgrade asks for any.
    rules = [rule for rule in app.url_map.iter_rules() if rule.arguments and rule.endpoint != "page.web_file"]
    return [(method, rule.rule) for rule in rules for method in sorted((rule.methods or set()) - {"OPTIONS"})]


@pytest.mark.parametrize("sign", SIGNS, ids=ascii)
def test_a_sign_after_an_id_is_no_part_of_it(
    app: Flask, client: FlaskClient, ids: dict[str, str], names: dict[str, str], sign: str
) -> None:
    known = ids | {"delivery_id": "msg_0", "key_id": "0" * 16, "action_id": "action_0", "pause_id": "pause_0"}
    known |= {"model_owner": "atelier", "version": "0" * 64}
    walked = 0
    for method, rule in routes_of(app):
        named = known | {"name": next((names[word] for word in names if f"/{word}/" in rule), "")}
        for part in re.findall(r"<(?:[^<>]*:)?(\w+)>", rule):
            given = named | {part: named[part] + sign}
            path = re.sub(r"<(?:[^<>]*:)?(\w+)>", lambda at, given=given: quote(given[at[1]]), rule)
            response = client.open(path, method=method, json=GENERATE if method in ("PUT", "POST") else None)
            assert 400 <= response.status_code < 500, (method, path, response.data)
            walked += 1
    assert walked > 50
    assert [job["id"] for job in client.get("/v1/jobs").json["data"]] == ["mine"]
    assert client.get("/v1/jobs?items=true").status_code == 200
    assert [pause["id"] for pause in client.get("/v1/pauses").json["data"]] == [ids["pause_id"]]


@given(st.text(max_size=2), st.sampled_from(["mine", f"job_{new_batch_id()[6:]}-7", f"job_{'0' * 32}-7-1"]))
def test_only_a_whole_text_is_an_id(after: str, known: str) -> None:
    sound = re.fullmatch("[A-Za-z0-9_-]*", after) is not None
    assert is_job_id(known + after) <= sound
    assert batch_of(known + after) is None or re.fullmatch("[0-9]*|-[0-9]", after) is not None
