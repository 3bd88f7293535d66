"""POST /v1/batches, and what can be done with a batch."""

import dataclasses
import json
from collections import Counter
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.batches import submission
from api.services import Services
from shared.batches.sharing import PackedItems
from shared.batches.store import BatchStore
from shared.errors import StoreUnavailable
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.redis.scripts import Scripts
from shared.workers import Worker, WorkerRoster
from tests.support.images.pictures import gif, png
from tests.support.jobs.batches import run_all
from tests.support.jobs.fake_worker import FakeWorker

DIGIT = {"type": "generate", "digit": 3}
LINES = "application/jsonl"


def lines(*items: Any) -> bytes:
    return b"\n".join(json.dumps(item).encode() for item in items)


def faults(response: TestResponse) -> list[tuple[str, str]]:
    assert response.json is not None
    return [(fault["pointer"], fault["code"]) for fault in response.json["errors"]]


def post(client: FlaskClient, **body: Any) -> dict[str, Any]:
    response = client.post("/v1/batches", json=body)
    assert response.status_code == 202, response.json
    found: dict[str, Any] = response.json
    return found


def test_a_batch_is_accepted_and_says_where_it_is(client: FlaskClient) -> None:
    response = client.post(
        "/v1/batches", json={"name": "digits", "items": [DIGIT] * 3, "metadata": {"a": "b"}}
    )
    assert response.status_code == 202
    assert response.json["status"] == "running"
    assert response.json["counts"] == {
        "total": 3, "queued": 3, "running": 0, "succeeded": 0, "failed": 0, "canceled": 0, "expired": 0,
    }  # fmt: skip
    assert (response.json["name"], response.json["metadata"], response.json["lane"]) == (
        "digits",
        {"a": "b"},
        "bulk",
    )
    assert response.headers["Location"] == response.json["urls"]["self"]
    assert 1 <= int(response.headers["Retry-After"]) <= 30
    assert client.get(response.headers["Location"]).json["id"] == response.json["id"]


def test_lines_are_accepted_with_settings_in_the_query(client: FlaskClient) -> None:
    query = {"name": "lines", "lane": "interactive", "metadata": '{"a":"b"}', "ttl_seconds": "60"}
    body = lines({**DIGIT, "custom_id": "first"}, DIGIT)
    response = client.post("/v1/batches", data=body, content_type=LINES, query_string=query)
    assert (response.status_code, response.json["counts"]["total"]) == (202, 2)
    assert (response.json["lane"], response.json["metadata"]) == ("interactive", {"a": "b"})
    items = client.get(response.json["urls"]["items"]).json["data"]
    assert [item["custom_id"] for item in items] == ["first", "1"]
    assert {item["input"]["lane"] for item in items} == {"interactive"}


def test_a_template_is_multiplied(client: FlaskClient) -> None:
    template = {"type": "generate", "multiply": {"digit": [1, 2], "seed": {"from": 5, "to": 7}}}
    batch = post(client, template=template)
    items = client.get(batch["urls"]["items"]).json["data"]
    assert [(item["input"]["digit"], item["input"]["seeds"]) for item in items] == [
        (digit, [seed]) for digit in (1, 2) for seed in (5, 6, 7)
    ]
    assert items[0]["custom_id"] == "0000-digit1-seed5"


def test_one_fault_refuses_the_whole_batch(client: FlaskClient) -> None:
    response = client.post("/v1/batches", json={"items": [DIGIT, {**DIGIT, "digit": 12}]})
    assert (response.status_code, faults(response)) == (422, [("/items/1/digit", "out_of_range")])
    assert client.get("/v1/batches").json["data"] == []


@pytest.mark.parametrize(
    ("body", "pointer"),
    [
        ({}, ""),
        ({"items": []}, ""),
        ({"items": [DIGIT], "template": DIGIT}, ""),
        ({"items": [DIGIT], "nam": "x"}, "/nam"),
        ({"items": [DIGIT], "lane": "slow"}, "/lane"),
        ({"items": {"a": 1}}, "/items"),
        ([DIGIT], ""),
    ],
)
def test_what_is_no_batch_is_refused(client: FlaskClient, body: object, pointer: str) -> None:
    response = client.post("/v1/batches", json=body)
    assert (response.status_code, [place for place, _ in faults(response)]) == (422, [pointer])


def test_lines_without_an_item_and_queries_that_say_nothing_are_refused(client: FlaskClient) -> None:
    empty = client.post("/v1/batches", data=b"\n\n", content_type=LINES)
    assert (empty.status_code, faults(empty)) == (422, [("", "invalid_request")])
    odd = client.post("/v1/batches?colour=red", data=lines(DIGIT), content_type=LINES)
    assert (odd.status_code, faults(odd)) == (422, [("/colour", "unknown_field")])
    wrong = client.post("/v1/batches?metadata=x", data=lines(DIGIT), content_type=LINES)
    assert wrong.status_code == 400


@pytest.mark.parametrize(
    "text",
    [b"", b"{", b'{"items":[{"a":"}]}', b'{"items":[{"type":"generate"}],}', b'{"items":[{}],"name":"\xff"}',
     b'{"items":[{"type":"generate","truncation":NaN}]}', b'{"items":[{"type":"generate" "seed":1}]}'],
)  # fmt: skip
def test_malformed_json_is_a_400(client: FlaskClient, text: bytes) -> None:
    response = client.post("/v1/batches", data=text, content_type="application/json")
    assert (response.status_code, response.json["code"]) == (400, "malformed_json")


def test_another_media_type_is_a_415(client: FlaskClient) -> None:
    response = client.post("/v1/batches", data=b"type=generate", content_type="text/plain")
    assert (response.status_code, response.json["code"]) == (415, "unsupported_media_type")


def test_more_items_than_a_batch_may_have_are_refused(client: FlaskClient, services: Services) -> None:
    limit = services.settings.batches.max_items
    body = b"\n".join([b"{}"] * (limit + 1))
    response = client.post("/v1/batches", data=body, content_type=LINES)
    assert (response.status_code, response.json["code"]) == (422, "invalid_request")
    assert str(limit) in response.json["detail"]
    huge = {"type": "generate", "multiply": {"seed": {"from": 0, "to": 49_999}, "digit": [1, 2]}}
    assert client.post("/v1/batches", json={"template": huge}).status_code == 422


def test_a_thousand_items_cost_a_script_for_every_fifty(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: Counter[str] = Counter()
    run = Scripts.run

    def counted(scripts: Scripts, name: str, *arguments: str | bytes | float) -> object:
        ran[name] += 1
        return run(scripts, name, *arguments)

    monkeypatch.setattr(Scripts, "run", counted)
    response = client.post("/v1/batches", data=lines(*[DIGIT] * 1000), content_type=LINES)
    assert response.json["counts"]["total"] == 1000
    assert ran.pop("batches/append") == 1000 // 50
    assert ran.total() < 12, (
        ran
    )  # opened, finalized, rung for; quota, keys, workers asked, however many items


class Stumbling(BatchStore):
    """Loses the server after the first two hundred items."""

    def add(self, batch_id: str, owner: str, items: PackedItems, *, first: int) -> int:
        if first >= 200:
            raise StoreUnavailable("the server went away")
        return super().add(batch_id, owner, items, first=first)


@pytest.fixture
def stumbling(services: Services) -> FlaskClient:
    batches = Stumbling(services.store, services.settings.batches)
    return create_app(dataclasses.replace(services, batches=batches)).test_client()


# Those that are not kept from the check are read again: all, some, none.
@pytest.mark.parametrize("kept_bytes", [0, 50_000, 2**23])
def test_a_request_that_broke_off_is_completed_by_its_repetition(
    client: FlaskClient, stumbling: FlaskClient, monkeypatch: pytest.MonkeyPatch, kept_bytes: int
) -> None:
    monkeypatch.setattr(submission, "KEPT_BYTES", kept_bytes)
    send = {
        "data": lines(*[DIGIT] * 300),
        "content_type": LINES,
        "headers": {"Idempotency-Key": "k1"},
        "query_string": {"name": "x"},
    }
    assert stumbling.post("/v1/batches", **send).status_code == 503
    (broken,) = client.get("/v1/batches").json["data"]
    assert (broken["status"], broken["counts"]["total"]) == ("open", 200)
    seeds = [item["input"]["seeds"] for item in client.get(broken["urls"]["items"]).json["data"]]
    again = client.post("/v1/batches", **send)
    assert (again.json["id"], again.json["status"], again.json["counts"]["total"]) == (
        broken["id"], "running", 300,
    )  # fmt: skip
    assert [item["input"]["seeds"] for item in client.get(broken["urls"]["items"]).json["data"]] == seeds


@pytest.mark.parametrize("kept_bytes", [0, 50_000, 2**23])
def test_items_are_stored_as_they_were_sent_whether_they_are_kept_or_read_again(
    client: FlaskClient, services: Services, monkeypatch: pytest.MonkeyPatch, kept_bytes: int
) -> None:
    monkeypatch.setattr(submission, "KEPT_BYTES", kept_bytes)
    metadata = [{"of": "all" * 90}, {"of": "some" * 90}, {}]
    sent = [{**DIGIT, "custom_id": f"n{n}", "seed": n, "metadata": metadata[n % 3]} for n in range(300)]
    batch = client.post("/v1/batches", data=lines(*sent), content_type=LINES).json
    found = services.batches.items(batch["id"], ANONYMOUS, limit=300).items
    assert [(item.custom_id, item.spec.model_dump(include={"seeds", "metadata"})) for item in found] == [
        (item["custom_id"], {"seeds": [item["seed"]], "metadata": item["metadata"]}) for item in sent
    ]


def test_of_two_requests_at_once_with_one_key_the_later_finds_the_items_of_the_first(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    send = {"json": {"items": [DIGIT] * 60}, "headers": {"Idempotency-Key": "k1"}}
    first = client.post("/v1/batches", **send).json
    monkeypatch.setattr(submission, "_known", lambda *_: None)  # it asked before the first was there
    again = client.post("/v1/batches", **send)
    assert (again.json["id"], again.json["counts"]["total"]) == (first["id"], 60)


def test_a_request_that_broke_off_without_a_key_leaves_nothing_to_do(
    client: FlaskClient, stumbling: FlaskClient
) -> None:
    assert stumbling.post("/v1/batches", data=lines(*[DIGIT] * 300), content_type=LINES).status_code == 503
    (broken,) = client.get("/v1/batches").json["data"]
    assert (broken["status"], broken["counts"]["canceled"]) == ("canceled", 200)


def test_a_repetition_needs_no_file_that_is_gone(client: FlaskClient, services: Services) -> None:
    data = png()
    file = services.files.add(ANONYMOUS, data, probe(data, ImageLimits()))[0].id
    item = {"type": "stylize", "content": file, "styles": [{"image": file}]}
    send = {"json": {"items": [item]}, "headers": {"Idempotency-Key": "k"}}
    first = client.post("/v1/batches", **send).json
    client.post(first["urls"]["cancel"])
    client.delete(f"/v1/files/{file}")
    again = client.post("/v1/batches", **send)
    assert (again.status_code, again.json["id"]) == (200, first["id"])


def test_an_item_may_use_no_more_frames_than_are_allowed(client: FlaskClient, services: Services) -> None:
    data = gif(60)
    file = services.files.add(ANONYMOUS, data, probe(data, ImageLimits(max_frames=48)))[0].id
    still = {"type": "stylize", "content": file, "styles": [{"image": file}], "mask": file}
    film = still | {"output": {"format": "webp"}}
    assert client.post("/v1/batches", json={"items": [still]}).status_code == 202
    refused = client.post("/v1/batches", json={"items": [still, film]})
    faults = [(fault["pointer"], fault["code"]) for fault in refused.json["errors"]]
    assert (refused.status_code, faults) == (422, [("/items/1/content", "too_many_frames")])
    assert client.post("/v1/jobs", json=still).status_code == 202
    single = client.post("/v1/jobs", json=film)
    assert (single.status_code, single.json["errors"][0]["pointer"]) == (422, "/content")


def test_the_same_key_and_body_give_the_same_batch(client: FlaskClient) -> None:
    headers = {"Idempotency-Key": "k1"}
    first = client.post("/v1/batches", json={"items": [DIGIT]}, headers=headers)
    again = client.post("/v1/batches", json={"items": [DIGIT]}, headers=headers)
    assert again.json["id"] == first.json["id"]
    assert "Idempotency-Replayed" not in first.headers
    assert again.headers["Idempotency-Replayed"] == "true"
    other = client.post("/v1/batches", json={"items": [DIGIT, DIGIT]}, headers=headers)
    assert (other.status_code, faults(other)) == (422, [("/Idempotency-Key", "idempotency_key_reused")])


def test_an_open_batch_takes_pages_until_it_is_finalized(client: FlaskClient) -> None:
    batch = post(client, open=True)
    assert batch["status"] == "open"
    page = client.post(batch["urls"]["items"], json={"items": [DIGIT, DIGIT]})
    assert page.json == {
        "object": "batch.items", "batch_id": batch["id"], "first": 0, "count": 2, "total": 2,
    }  # fmt: skip
    more = client.post(batch["urls"]["items"], data=lines(DIGIT), content_type=LINES)
    assert (more.json["first"], more.json["total"]) == (2, 3)
    assert client.post(batch["urls"]["finalize"]).json["status"] == "running"
    late = client.post(batch["urls"]["items"], json={"items": [DIGIT]})
    assert (late.status_code, late.json["code"]) == (409, "job_state_conflict")


def test_a_page_sent_again_to_its_place_changes_nothing(client: FlaskClient) -> None:
    batch = post(client, open=True, items=[DIGIT])
    where = batch["urls"]["items"] + "?first=1"
    first, again = (client.post(where, json={"items": [DIGIT, DIGIT]}) for _ in range(2))
    assert first.json == again.json
    assert again.json["total"] == 3


def test_faults_of_a_page_are_told_by_its_own_items(client: FlaskClient) -> None:
    batch = post(client, open=True, items=[DIGIT])
    response = client.post(batch["urls"]["items"], json={"items": [DIGIT, 7]})
    assert (response.status_code, faults(response)) == (422, [("/items/1", "invalid_type")])


def test_a_batch_is_completed_when_every_item_is_done(client: FlaskClient, worker: FakeWorker) -> None:
    batch = post(client, items=[DIGIT] * 3)
    run_all(client, worker, batch)
    done = client.get(batch["urls"]["self"]).json
    assert (done["status"], done["done"], done["progress"]["fraction"]) == ("completed", True, 1.0)
    assert done["counts"]["succeeded"] == 3
    assert done["completed_at"] is not None


def test_a_failed_item_does_not_fail_the_batch_and_can_go_again(
    client: FlaskClient, worker: FakeWorker
) -> None:
    batch = post(client, items=[DIGIT] * 2)
    run_all(client, worker, batch, failing={0})
    done = client.get(batch["urls"]["self"]).json
    assert (done["status"], done["counts"]["failed"], done["counts"]["succeeded"]) == ("completed", 1, 1)
    again = client.post(batch["urls"]["retry_failed"])
    assert again.json == {"object": "batch.retry", "batch_id": batch["id"], "count": 1}
    assert client.get(batch["urls"]["self"]).json["status"] == "running"
    run_all(client, worker, batch)
    assert client.get(batch["urls"]["self"]).json["counts"]["succeeded"] == 2


def test_a_batch_of_which_nothing_succeeded_has_failed_and_can_go_again(
    client: FlaskClient, worker: FakeWorker
) -> None:
    batch = post(client, items=[DIGIT] * 2)
    run_all(client, worker, batch, failing={0, 1})
    done = client.get(batch["urls"]["self"]).json
    assert (done["status"], done["done"], done["counts"]["failed"]) == ("failed", True, 2)
    client.post(batch["urls"]["retry_failed"])
    assert client.get(batch["urls"]["self"]).json["status"] == "running"
    run_all(client, worker, batch, failing={1})
    assert client.get(batch["urls"]["self"]).json["status"] == "completed"


def test_an_empty_batch_and_a_canceled_one_have_not_failed(client: FlaskClient, worker: FakeWorker) -> None:
    empty = post(client, open=True)
    client.post(empty["urls"]["finalize"])
    assert client.get(empty["urls"]["self"]).json["status"] == "completed"
    batch = post(client, items=[DIGIT] * 2)
    run_all(client, worker, batch, failing={0}, most=1)
    client.post(batch["urls"]["cancel"])
    assert client.get(batch["urls"]["self"]).json["status"] == "canceled"


def test_a_paused_batch_goes_on_when_it_is_told_to(client: FlaskClient) -> None:
    batch = post(client, items=[DIGIT])
    assert client.post(batch["urls"]["pause"]).json["status"] == "paused"
    assert client.post(batch["urls"]["pause"]).json["status"] == "paused"
    assert client.post(batch["urls"]["resume"]).json["status"] == "running"


def test_workers_are_told_at_once_of_items_that_wait(
    client: FlaskClient, worker: FakeWorker, services: Services
) -> None:
    WorkerRoster(services.store.client).announce(Worker("w", 4, ()))

    def take_rings() -> int:
        server = services.store.client
        rings = server.llen("atelier.bulk")
        server.delete("atelier.bulk")
        return int(rings)

    batch = post(client, items=[DIGIT] * 9)
    assert take_rings() == 4
    client.post(batch["urls"]["pause"])
    assert take_rings() == 0
    client.post(batch["urls"]["resume"])
    assert take_rings() == 4
    run_all(client, worker, batch, failing={0, 1})
    take_rings()
    client.post(batch["urls"]["retry_failed"])
    assert take_rings() == 2
    pages = post(client, open=True)
    client.post(f"{pages['urls']['items']}?first=0", data=lines(DIGIT), content_type=LINES)
    assert take_rings() == 1


def test_a_canceled_batch_keeps_what_was_done(client: FlaskClient, worker: FakeWorker) -> None:
    batch = post(client, items=[DIGIT] * 3)
    run_all(client, worker, batch, most=1)
    canceled = client.post(batch["urls"]["cancel"]).json
    assert (canceled["status"], canceled["counts"]["canceled"], canceled["counts"]["succeeded"]) == (
        "canceled",
        2,
        1,
    )
    assert client.post(batch["urls"]["resume"]).status_code == 409


def test_a_batch_that_is_done_can_be_forgotten(client: FlaskClient, worker: FakeWorker) -> None:
    batch = post(client, items=[DIGIT])
    assert client.delete(batch["urls"]["self"]).status_code == 409
    run_all(client, worker, batch)
    assert client.delete(batch["urls"]["self"]).status_code == 204
    assert client.get(batch["urls"]["self"]).status_code in (404, 410)


def test_a_batch_that_is_not_there_is_a_404(client: FlaskClient) -> None:
    for path in ("", "/items", "/finished", "/results.jsonl", "/results.zip", "/contact-sheet", "/events"):
        response = client.get(f"/v1/batches/batch_none{path}")
        assert (response.status_code, response.json["code"]) == (404, "batch_not_found"), path
    for move in ("finalize", "pause", "resume", "cancel", "retry-failed"):
        assert client.post(f"/v1/batches/batch_none/{move}").status_code == 404


def test_batches_are_listed_newest_first(client: FlaskClient) -> None:
    ids = [post(client, items=[DIGIT], name=name)["id"] for name in "ab"]
    assert [batch["id"] for batch in client.get("/v1/batches").json["data"]] == ids[::-1]


def test_items_are_listed_by_index_and_filtered_by_status(client: FlaskClient, worker: FakeWorker) -> None:
    batch = post(client, items=[DIGIT] * 5)
    run_all(client, worker, batch, most=2)
    page = client.get(batch["urls"]["items"], query_string={"limit": 3}).json
    assert [item["custom_id"] for item in page["data"]] == ["0", "1", "2"]
    rest = client.get(batch["urls"]["items"], query_string={"limit": 3, "cursor": page["next_cursor"]}).json
    assert [item["custom_id"] for item in rest["data"]] == ["3", "4"]
    assert rest["next_cursor"] is None
    queued = client.get(batch["urls"]["items"], query_string={"status": "queued"}).json["data"]
    assert [item["custom_id"] for item in queued] == ["2", "3", "4"]
    assert {item["batch_id"] for item in queued} == {batch["id"]}


def test_an_unchanged_batch_is_a_304(client: FlaskClient) -> None:
    batch = post(client, items=[DIGIT])
    first = client.get(batch["urls"]["self"])
    again = client.get(batch["urls"]["self"], headers={"If-None-Match": first.headers["ETag"]})
    assert again.status_code == 304


def test_a_batch_of_one_can_be_waited_for(client: FlaskClient, services: Services) -> None:
    response = client.post("/v1/batches", json={"items": [DIGIT]}, headers={"Prefer": "wait=0.05"})
    assert (response.status_code, response.headers["Preference-Applied"]) == (202, "wait=0.05")
    services.batches.cancel(response.json["id"], ANONYMOUS)
    done = client.get(response.json["urls"]["self"], query_string={"wait": 5})
    assert (done.status_code, done.json["status"]) == (200, "canceled")
