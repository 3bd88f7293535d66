"""Batches from and to places, through the API: what is accepted, refused, told, and to whom."""

import io
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient
from pydantic import SecretStr

from api.batches import placed
from api.services import Services
from shared.access.key import DEFAULT_SCOPES, Scope
from shared.access.store import KeyStore
from shared.identifiers import ANONYMOUS
from shared.settings import Settings
from tests.support.images import pictures
from tests.support.places.transfer_steps import Transferring, put_photos

TEMPLATE: dict[str, Any] = {"type": "stylize", "model": "multistyle-26", "styles": [{"number": 3}]}
SOURCE = {"place": "photos", "match": "*.png"}


@pytest.fixture
def settings(settings: Settings, tmp_path: Path) -> Settings:
    places = {
        name: {"url": (tmp_path / name).as_uri(), "access": access, "owners": owners}
        for name, access, owners in (
            ("photos", "read", None), ("out", "write", None), ("secret", "both", ["anna"])
        )
    }  # fmt: skip
    for name in places:
        (tmp_path / name).mkdir()
    state = tmp_path / "state"
    text = SecretStr(json.dumps(places))
    return settings.model_copy(update={"places": text, "state_dir": state})


@pytest.fixture
def moving(services: Services) -> Transferring:
    return Transferring(services.store, services.objects, services.settings.place_rules)


def post(client: FlaskClient, *, query: str = "", **body: Any) -> Any:
    return client.post(f"/v1/batches{query}", json={"source": SOURCE, "template": TEMPLATE, **body})


def faults(response: Any, status: int = 422) -> dict[str, str]:
    assert response.status_code == status, response.json
    return {entry["pointer"]: entry["detail"] for entry in response.json["errors"]}


def test_a_batch_reads_a_place_and_writes_another(
    client: FlaskClient, moving: Transferring, tmp_path: Path
) -> None:
    put_photos(tmp_path / "photos", "a.png", "deep/b.png")
    (tmp_path / "photos" / "c.png").write_text("no picture")
    multiply = {"style": [{"number": 3, "label": "waves"}, 7], "strength": [0.5, 1]}
    template = {"type": "stylize", "model": "multistyle-26", "multiply": multiply}
    to = {"place": "out", "prefix": "made", "name": "{path}{stem}-{style}-{index}.{ext}"}
    response = post(client, template=template, destination=to)
    assert response.status_code == 202
    batch = response.json
    assert batch["status"] == "open"
    assert batch["source"] == {
        "place": "photos", "prefix": "", "match": "*.png", "status": "listing", "found": None, "error": None
    }  # fmt: skip
    assert batch["destination"]["prefix"] == "made/"
    moving.go_on("source", batch["id"])
    moving.finish()
    moving.go_on("destination", batch["id"])
    shown = client.get(batch["urls"]["self"]).json
    assert (shown["status"], shown["counts"]["succeeded"], shown["counts"]["failed"]) == ("completed", 8, 4)
    assert (shown["source"]["status"], shown["source"]["found"]) == ("done", 3)
    put = shown["destination"]
    assert (put["status"], put["delivered"], put["failed"], put["error"]) == ("delivered", 8, 0, None)
    lines = client.get(f"{batch['urls']['self']}/results.jsonl").data.splitlines()
    told = {(entry["source"], entry["index"]): entry["delivery"] for entry in map(json.loads, lines)}
    assert told["a.png", 0]["names"] == ["made/a-waves-00000.png"]
    assert told["c.png", 4] is None
    put_there = (tmp_path / "out").rglob("made/**/*.png")
    assert sorted(name for found in told.values() if found for name in found["names"]) == sorted(
        str(path.relative_to(tmp_path / "out")) for path in put_there
    )
    failed = client.get(f"{batch['urls']['self']}/items?status=failed").json["data"]
    assert {job["error"]["detail"].partition(":")[0] for job in failed} == {"c.png"}


@pytest.mark.parametrize(
    ("body", "pointer", "says"),
    [
        ({"source": {"place": "secret"}}, "/source/place", "there are: photos"),
        ({"source": {"place": "out"}}, "/source/place", "there are: photos"),
        ({"destination": {"place": "photos"}}, "/destination/place", "there are: out"),
        ({"source": {"place": "photos", "prefix": "../x"}}, "/source/prefix", "dot"),
        ({"source": {"place": "photos", "match": ""}}, "/source/match", "1 or more"),
        ({"destination": {"place": "out", "name": "{foo}.{ext}"}}, "/destination/name", "{foo}"),
        ({"destination": {"place": "out", "name": "x.png"}}, "/destination/name", "end with .{ext}"),
        ({"source": {"place": "photos", "key": "AKIA"}}, "/source/key", "not a known field"),
        ({"template": {**TEMPLATE, "content": "x"}}, "/template/content", "comes from the source"),
        ({"template": {**TEMPLATE, "multiply": {"content": ["x"]}}}, "/template/multiply/content", "source"),
        ({"template": {"type": "generate"}}, "/template/type", "takes no pictures of a source"),
        ({"template": {**TEMPLATE, "strength": 9}}, "/template/strength", "between"),
        ({"template": {**TEMPLATE, "multiply": {"seed": [1]}}}, "/template/multiply/seed", "no seed"),
        ({"template": {**TEMPLATE, "styles": [{"name": "none"}]}}, "/template/styles/0", "give a number"),
        ({"open": True}, "", "source goes with `template` alone"),
        ({"template": None}, "", "source goes with `template` alone"),
    ],
)
def test_what_is_wrong_is_named_by_its_field(
    client: FlaskClient, body: dict[str, Any], pointer: str, says: str
) -> None:
    found = faults(post(client, **body))
    matching = [text for place, text in found.items() if place.startswith(pointer) and says in text]
    assert matching, found


@pytest.mark.parametrize(
    ("limit", "pointer"),
    [("MAX_TEMPLATES", "/template/multiply"), ("MAX_TEMPLATE_BYTES", "/template")],
)
def test_what_is_made_of_one_picture_is_bounded(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch, limit: str, pointer: str
) -> None:
    monkeypatch.setattr(placed, limit, 1)
    assert pointer in faults(post(client, template={**TEMPLATE, "multiply": {"strength": [0.5, 1]}}))


def test_places_are_listed_without_their_addresses(client: FlaskClient, tmp_path: Path) -> None:
    response = client.get("/v1/places")
    assert response.json == {
        "object": "list",
        "data": [
            {"object": "place", "name": "out", "read": False, "write": True},
            {"object": "place", "name": "photos", "read": True, "write": False},
        ],
    }
    assert str(tmp_path) not in response.text


def test_a_dry_run_counts_the_source_and_keeps_nothing(
    client: FlaskClient, services: Services, tmp_path: Path
) -> None:
    put_photos(tmp_path / "photos", "a.png", "b.png", "c.png", "d.jpg")
    multiply = {"multiply": {"strength": [0.5, 1]}}
    response = post(client, query="?dry_run=true", template={**TEMPLATE, **multiply})
    assert response.status_code == 200
    estimate = response.json
    assert (estimate["accepted"], estimate["items"], estimate["pictures"]) == (True, 6, 6)
    refused = post(client, query="?dry_run=true", source={"place": "secret"}).json
    assert not refused["accepted"]
    assert "there are: photos" in refused["problems"][0]["detail"]
    assert services.store.client.keys("*batch*") == []


def test_a_dry_run_says_that_there_are_too_many(
    client: FlaskClient, services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put_photos(tmp_path / "photos", "a.png", "b.png", "c.png")
    few = services.settings.batches.model_copy(update={"max_items": 2})
    monkeypatch.setitem(vars(services.settings), "batches", few)
    found = post(client, query="?dry_run=true").json
    assert "more than 2 pictures match" in found["problems"][0]["detail"]


def test_a_dry_run_of_a_place_that_is_away_is_no_answer(client: FlaskClient, tmp_path: Path) -> None:
    (tmp_path / "photos").rmdir()
    response = post(client, query="?dry_run=true")
    assert response.status_code == 503
    assert str(tmp_path) not in response.text
    assert "photos does not answer" in response.json["detail"]


def test_the_same_key_finds_the_batch_while_it_is_read(
    client: FlaskClient, moving: Transferring, tmp_path: Path
) -> None:
    put_photos(tmp_path / "photos", "a.png")
    body = {"source": SOURCE, "template": TEMPLATE}
    key = {"Idempotency-Key": "k1"}
    first, second = (client.post("/v1/batches", json=body, headers=key) for _ in range(2))
    assert (first.status_code, second.json["id"]) == (202, first.json["id"])
    assert moving.go_on("source", first.json["id"]).counts["total"] == 1
    assert client.post("/v1/batches", json=body, headers=key).json["id"] == first.json["id"]


def test_no_items_are_sent_to_a_batch_with_a_source(client: FlaskClient) -> None:
    home = post(client).json["urls"]["self"]
    item = {**TEMPLATE, "content": "file_" + "0" * 64}
    assert client.post(f"{home}/items", json={"items": [item]}).status_code == 409
    assert client.post(f"{home}/finalize").status_code == 409
    assert client.post(f"{home}/cancel").status_code == 200


def test_styles_of_a_template_stay_until_its_pictures_are_taken(
    client: FlaskClient, moving: Transferring, tmp_path: Path
) -> None:
    data = pictures.png(64, 64)
    file = client.post("/v1/files", data={"file": (io.BytesIO(data), "s.png")}).json["id"]
    template = {"type": "stylize", "model": "magenta-mobile", "styles": [{"image": file}]}
    batch = post(client, template=template).json
    assert client.delete(f"/v1/files/{file}").status_code == 409
    put_photos(tmp_path / "photos", "a.png")
    assert moving.go_on("source", batch["id"]).counts["queued"] == 1
    (job,) = moving.batches.items(batch["id"], ANONYMOUS).items
    assert file in job.inputs


def test_the_audit_log_says_who_used_which_place(
    client: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, "atelier.audit")
    batch = post(client, destination={"place": "out"}).json
    post(client, source={"place": "secret"})
    events = {fields["event"]: fields for record in caplog.records if "event" in (fields := vars(record))}
    used, refused = events["places_used"], events["place_refused"]
    assert (used["batch_id"], used["source"], used["destination"]) == (batch["id"], "photos", "out")
    assert (used["owner"], "'secret'" in refused["reason"]) == (ANONYMOUS, True)


def test_lines_have_a_destination_and_no_source(client: FlaskClient) -> None:
    def send(batch: dict[str, Any]) -> Any:
        lines = [json.dumps({"batch": batch}), json.dumps({"type": "generate", "seed": 1})]
        return client.post("/v1/batches", data="\n".join(lines), content_type="application/jsonl")

    accepted = send({"destination": {"place": "out"}})
    assert accepted.status_code == 202
    assert accepted.json["destination"]["name"] == "{custom_id}.{ext}"
    assert "/source" in faults(send({"source": SOURCE}))


def test_each_owner_sees_its_own_places_alone(client: FlaskClient, services: Services) -> None:
    keys = KeyStore(services.store.scripts)
    texts = {owner: keys.create(owner, owner=owner, scopes=DEFAULT_SCOPES)[1] for owner in ("anna", "bert")}

    def ask(owner: str, place: str = "secret") -> Any:
        body = {"source": {"place": place}, "template": TEMPLATE}
        headers = {"Authorization": f"Bearer {texts[owner]}"}
        listed = client.get("/v1/places", headers=headers).json["data"]
        return [each["name"] for each in listed], client.post("/v1/batches", json=body, headers=headers)

    names, accepted = ask("anna")
    assert (names, accepted.status_code) == (["out", "photos", "secret"], 202)
    names, refused = ask("bert")
    assert (names, refused.status_code) == (["out", "photos"], 422)
    unknown = faults(ask("bert", "nowhere")[1])
    assert unknown["/source/place"] == faults(refused)["/source/place"].replace("secret", "nowhere")


def test_a_key_that_may_only_read_submits_nothing(client: FlaskClient, services: Services) -> None:
    keys = KeyStore(services.store.scripts)
    _, reader = keys.create("r", owner="anna", scopes=frozenset({Scope.READ}))
    _, submitter = keys.create("s", owner="anna", scopes=frozenset({Scope.SUBMIT}))
    body = {"source": SOURCE, "template": TEMPLATE}
    statuses = [
        client.open(path, method=method, json=json, headers={"Authorization": f"Bearer {key}"}).status_code
        for key, method, path, json in (
            (reader, "POST", "/v1/batches", body),
            (submitter, "POST", "/v1/batches", body),
            (reader, "GET", "/v1/places", None),
            (submitter, "GET", "/v1/places", None),
        )
    ]
    assert statuses == [403, 202, 200, 403]
