"""What belongs to one owner is not there for another, whatever route is asked."""

import io
import re
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from api.auth import KEYS, rule_of
from api.services import Services
from shared.access.key import Scope
from shared.access.store import KeyStore
from shared.network_settings import WebhookSettings
from shared.settings import Settings
from shared.webhooks.store import WebhookSecrets
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import PICTURE, FakeWorker

Json = dict[str, Any]
BODIES = {"pause": {}, "items": {"items": [{"type": "generate"}]}, "move": {"to": "front"}}
MULTIPART = "multipart/form-data"
WEBHOOK = {"url": "http://127.0.0.1:9/told"}
# Routes whose paths name nothing of an owner.
SHARED = {
    "models.get_model",
    "models.get_model_limits",
    "rollouts.list_versions",
    "replicate.models.get_model",
    "replicate.models.list_versions",
    "replicate.models.get_version",
    "replicate.predictions.create_model_prediction",
    "styles.get_style_sheet",
    "about.explain_problem",
    "about.docs_asset",
    "page.web_file",
}


@pytest.fixture
def settings(settings: Settings) -> Settings:
    return settings.model_copy(update={"webhook": WebhookSettings(allow_private="true")})


class Person:
    """A client with a key."""

    def __init__(self, client: FlaskClient, keys: KeyStore, owner: str) -> None:
        self._client = client
        _, text = keys.create(owner, owner=owner, scopes=frozenset(Scope) - {Scope.ADMIN})
        self._headers = {"Authorization": f"Bearer {text}"}

    def __call__(self, method: str, path: str, **parts: Any) -> Any:
        headers = {**self._headers, **parts.pop("headers", {})}
        return self._client.open(path, method=method, headers=headers, **parts)

    def submit(self, **fields: Any) -> Json:
        response = self("POST", "/v1/jobs", json={"type": "generate", "seed": 7, **fields})
        assert response.status_code in (200, 202), response.text
        return dict(response.json)


@pytest.fixture
def anna(client: FlaskClient, services: Services) -> Person:
    return Person(client, KeyStore(services.store.scripts), "anna")


@pytest.fixture
def bert(client: FlaskClient, services: Services) -> Person:
    return Person(client, KeyStore(services.store.scripts), "bert")


def upload(person: Person, data: bytes = b"") -> str:

    form = {"file": (io.BytesIO(data or png(40, 30)), "a.png")}
    return str(person("POST", "/v1/files", data=form, content_type="multipart/form-data").json["id"])


def belongings(person: Person, worker: FakeWorker) -> dict[str, str]:
    """Have a person make one of everything; return what the parameters of paths are called after."""
    job = person.submit(webhook=WEBHOOK)
    worker.run(job["id"])
    picture = upload(person)
    assert person("POST", "/v1/styles", json={"name": "waves", "image": picture}).status_code == 201
    kept = {"name": "small", "settings": {"type": "generate"}}
    assert person("POST", "/v1/recipes", json=kept).status_code == 201
    items = {"items": [{"type": "generate", "seed": 1}], "open": True}
    batch = person("POST", "/v1/batches", json=items).json
    action = person("POST", "/v1/actions", json={"do": "cancel", "filter": {}}).json
    pause = person("POST", "/v1/pauses", json={"reason": "a test", "lane": "bulk"}).json
    deliveries = person("GET", "/v1/webhooks/deliveries").json["data"]
    return {
        "job_id": job["id"],
        "batch_id": batch["id"],
        "action_id": action["id"],
        "pause_id": pause["id"],
        "delivery_id": deliveries[0]["id"],
        "index": "0",
        "files.name": picture,
        "styles.name": "waves",
        "recipes.name": "small",
    }


def paths_to(app: Flask, theirs: dict[str, str]) -> Iterator[tuple[str, str]]:
    """Yield method and path of every route that leads to something of an owner."""
    for rule in app.url_map.iter_rules():
        names = re.findall(r"<(?:\w+(?:\(.*\))?:)?(\w+)>", rule.rule)
        scope = rule_of(app.view_functions[rule.endpoint])
        if not names or rule.endpoint in SHARED or (scope and scope.scope is Scope.ADMIN):
            continue
        path = rule.rule
        for name in names:
            known = theirs.get(name) or theirs[f"{rule.endpoint.split('.')[-2]}.{name}"]
            path = re.sub(rf"<(?:\w+:)?{name}>", known, path)
        for method in (rule.methods or set()) - {"OPTIONS", "HEAD"}:
            yield method, path


def test_every_path_to_something_of_another_is_a_404(
    app: Flask, anna: Person, bert: Person, worker: FakeWorker
) -> None:
    theirs = belongings(bert, worker)
    asked = 0
    for method, path in paths_to(app, theirs):
        body = BODIES.get(path.rpartition("/")[2], {"type": "generate"})
        response = anna(method, path, json=body if method in ("POST", "PUT") else None)
        if (method, path.rpartition("/")[0]) == ("PUT", "/v1/jobs"):
            continue  # see the tests of chosen ids
        assert response.status_code == 404, f"{method} {path}: {response.text}"
        missing = path.replace(theirs["job_id"], "job_of-nobody").replace(theirs["batch_id"], "batch_x")
        missing = missing.replace(theirs["delivery_id"], "msg_0").replace("waves", "shores")
        missing = missing.replace(theirs["action_id"], "action_0").replace(theirs["pause_id"], "pause_0")
        missing = missing.replace("recipes/small", "recipes/large")
        missing = missing.replace(theirs["files.name"], "file_" + "0" * 64)
        again = anna(method, missing, json=body if method in ("POST", "PUT") else None)
        assert (again.status_code, again.json["code"]) == (404, response.json["code"]), f"{method} {path}"
        asked += 1
    assert asked >= 30
    for method, path in paths_to(app, theirs):
        if method == "GET":
            assert bert(method, path).status_code in (200, 303, 404), f"{method} {path}"
    assert bert("GET", f"/v1/jobs/{theirs['job_id']}").json["status"] == "succeeded"


def test_lists_hold_only_ones_own(anna: Person, bert: Person, worker: FakeWorker) -> None:
    belongings(bert, worker)
    lists = (
        "jobs",
        "jobs?items=true",
        "jobs?status=failed",
        "batches",
        "actions",
        "files",
        "styles",
        "recipes",
        "webhooks/deliveries",
    )
    for path in (f"/v1/{name}" for name in lists):
        assert anna("GET", path).json["data"] == [], path
    assert anna("GET", "/v1/jobs").json.get("unlisted_items") == 0


def test_deliveries_about_anothers_job_are_none(anna: Person, bert: Person, worker: FakeWorker) -> None:
    theirs = belongings(bert, worker)
    for query in (f"job={theirs['job_id']}", f"batch={theirs['batch_id']}"):
        assert anna("GET", f"/v1/webhooks/deliveries?{query}").json["data"] == []
    assert bert("GET", f"/v1/webhooks/deliveries?job={theirs['job_id']}").json["data"]


def test_anothers_file_or_style_in_a_job_is_as_one_that_never_was(
    anna: Person, bert: Person, worker: FakeWorker
) -> None:
    theirs = belongings(bert, worker)["files.name"]
    nobodys = "file_" + "0" * 64

    def answers(file: str, style: str) -> list[Any]:
        spec = {"type": "stylize", "content": file, "styles": [{"image": file}]}
        named = {"type": "stylize", "content": file, "styles": [{"name": style}]}
        found = [
            anna("POST", "/v1/jobs", json=spec),
            anna("POST", "/v1/jobs", json=named),
            anna(
                "POST",
                "/v1/jobs/stylize",
                data={"content": file, "style": style},
                content_type="multipart/form-data",
            ),
            anna("POST", "/v1/batches", json={"items": [spec, named]}),
            anna("POST", "/v1/styles", json={"name": "mine", "image": file}),
        ]
        return [
            (response.status_code, str(response.json["errors"]).replace(file, "F").replace(style, "S"))
            for response in found
        ]

    assert answers(theirs, "waves") == answers(nobodys, "shores")
    assert all(status == 422 for status, _ in answers(theirs, "waves"))


def test_anothers_recipe_in_a_job_is_as_one_that_never_was(anna: Person, bert: Person) -> None:
    kept = {"name": "small", "settings": {"type": "generate", "digit": 3}}
    assert bert("POST", "/v1/recipes", json=kept).status_code == 201
    for name in ("small", "nobodys"):
        job = anna("POST", "/v1/jobs", json={"type": "generate", "recipe": name})
        batch = anna("POST", "/v1/batches", json={"items": [{"type": "generate", "recipe": name}]})
        assert [(each.status_code, each.json["errors"][0]["code"]) for each in (job, batch)] == [
            (422, "recipe_not_found")
        ] * 2
    assert anna("POST", "/v1/recipes", json={**kept, "shared": True}).status_code == 403
    assert anna("DELETE", "/v1/recipes/small?shared=true").status_code == 403
    assert bert("GET", "/v1/recipes/small").json["settings"] == kept["settings"]


def test_a_picture_of_another_cannot_be_made_again_by_its_id(anna: Person, bert: Person) -> None:
    theirs = upload(bert)
    for name in (theirs, "file_" + "0" * 64):
        response = anna("POST", "/v1/jobs/again", json={"picture": name})
        assert (response.status_code, response.json["errors"][0]["code"]) == (422, "file_not_found")
    assert bert("POST", "/v1/jobs/again", json={"picture": theirs}).json["code"] == "recipe_missing"


def test_the_same_picture_and_the_same_name_belong_to_each(
    anna: Person, bert: Person, worker: FakeWorker
) -> None:
    theirs = belongings(bert, worker)["files.name"]
    assert upload(anna) == theirs
    other = upload(anna, png(50, 30))
    assert anna("POST", "/v1/styles", json={"name": "waves", "image": other}).status_code == 201
    assert anna("DELETE", f"/v1/files/{theirs}").status_code == 204
    assert bert("GET", f"/v1/files/{theirs}/content").status_code == 200
    assert bert("GET", "/v1/styles/waves").json["image"] == theirs


def test_an_equal_job_of_another_gives_no_hit(anna: Person, bert: Person, worker: FakeWorker) -> None:
    worker.announce("mnist-dcgan")
    done = bert.submit(cache=True)
    worker.run(done["id"])
    mine = anna.submit(cache=True)
    assert (mine["status"], mine["cached_from"]) == ("queued", None)
    again = bert.submit(cache=True)
    assert (again["status"], again["cached_from"]) == ("succeeded", done["id"])


def test_an_idempotency_key_is_each_owners(anna: Person, bert: Person) -> None:
    key = {"Idempotency-Key": "same"}
    theirs = bert("POST", "/v1/jobs", json={"type": "generate", "seed": 1}, headers=key).json
    mine = anna("POST", "/v1/jobs", json={"type": "generate", "seed": 2}, headers=key)
    assert (mine.status_code, mine.json["id"] == theirs["id"]) == (202, False)
    batch = {"items": [{"type": "generate"}]}
    assert bert("POST", "/v1/batches", json=batch, headers=key).status_code == 202
    other = {"items": [{"type": "generate", "digit": 1}]}
    assert anna("POST", "/v1/batches", json=other, headers=key).status_code == 202


def test_a_chosen_id_of_another_is_refused_as_one_that_was_used_with_another_request(
    anna: Person, bert: Person, worker: FakeWorker
) -> None:
    spec = {"type": "generate", "seed": 7}
    assert bert("PUT", "/v1/jobs/summer", json=spec).status_code == 202
    assert anna("PUT", "/v1/jobs/winter", json=spec).status_code == 202
    own = anna("PUT", "/v1/jobs/winter", json={**spec, "seed": 8})
    taken = anna("PUT", "/v1/jobs/summer", json=spec)
    assert (taken.status_code, taken.json["errors"]) == (own.status_code, own.json["errors"])
    assert anna("GET", "/v1/jobs/summer").status_code == 404
    worker.run("summer")
    assert bert("DELETE", "/v1/jobs/summer").status_code == 204
    gone = anna("PUT", "/v1/jobs/summer", json=spec)
    assert (gone.status_code, gone.json["errors"]) == (own.status_code, own.json["errors"])
    assert anna("GET", "/v1/jobs/summer").status_code == 404
    assert bert("PUT", "/v1/jobs/summer", json=spec).status_code == 410


def test_what_was_made_without_keys_is_the_anonymous_owners(client: FlaskClient, services: Services) -> None:
    made = client.post("/v1/jobs", json={"type": "generate", "seed": 7}).json
    keys = KeyStore(services.store.scripts)
    old, other = Person(client, keys, "anonymous"), Person(client, keys, "anna")
    table = client.application.extensions[KEYS]
    table.outdate(table.version)
    assert other("GET", f"/v1/jobs/{made['id']}").status_code == 404
    assert old("GET", f"/v1/jobs/{made['id']}").json["id"] == made["id"]


def test_a_pages_picture_needs_no_header_and_its_address_leads_to_nothing_else(
    anna: Person, bert: Person, app: Flask, worker: FakeWorker, services: Services
) -> None:
    client = app.test_client()
    job, other = bert.submit(), bert.submit()
    for each in (job, other):
        worker.run(each["id"])
    url = bert("GET", f"/v1/jobs/{job['id']}").json["outputs"][0]["url"].removeprefix("http://localhost")
    assert client.get(url).data == PICTURE
    assert bert("GET", url).data == PICTURE
    path, _, query = url.partition("?")
    parts = dict(pair.split("=") for pair in query.split("&"))
    assert set(parts) == {"key", "expires", "signature"}
    wrong = [
        f"{path}?key={parts['key']}&expires={int(parts['expires']) + 1}&signature={parts['signature']}",
        f"{path}?key={'0' * 16}&expires={parts['expires']}&signature={parts['signature']}",
        f"{path}?key={parts['key']}&expires={parts['expires']}&signature={'0' * 64}",
        f"{path}?key={parts['key']}&expires={parts['expires']}&signature=%C3%A9",
        f"{path}?signature=",
        f"/v1/jobs/{other['id']}/outputs/0?{query}",
        f"/v1/jobs/{job['id']}/outputs/1?{query}",
        f"/v1/jobs/{job['id']}?{query}",
        f"/v1/jobs?{query}",
        path,
    ]
    for each in wrong:
        assert client.get(each).status_code == 401, each
    assert anna("GET", url).status_code == 404, "a key counts, and not the address"
    KeyStore(services.store.scripts).revoke(parts["key"])
    table = app.extensions[KEYS]
    table.outdate(table.version)
    assert client.get(url).status_code == 401


def test_who_may_not_read_gets_no_signature(
    client: FlaskClient, services: Services, worker: FakeWorker
) -> None:
    _, text = KeyStore(services.store.scripts).create("s", owner="s", scopes=frozenset({Scope.SUBMIT}))
    headers = {"Authorization": f"Bearer {text}"}
    spec = {"type": "generate", "seed": 7}
    job = client.put("/v1/jobs/one", json=spec, headers=headers).json
    worker.run(job["id"])
    again = client.put("/v1/jobs/one", json=spec, headers=headers).json
    assert again["outputs"][0]["url"].endswith("/outputs/0")


def test_each_owner_has_a_secret_for_signatures_which_is_shown_once(
    anna: Person, bert: Person, services: Services
) -> None:
    shown = {}
    for name, person in (("anna", anna), ("bert", bert)):
        assert person("GET", "/v1/webhooks/secret").json == {"secret": None, "secrets": []}
        renewed = person("POST", "/v1/webhooks/secret/renew").json
        assert renewed["secrets"] == [renewed["secret"]]
        assert person("GET", "/v1/webhooks/secret").json == {"secret": None, "secrets": []}
        shown[name] = renewed["secret"]
    secrets = WebhookSecrets(services.store.scripts)
    assert {name: secrets.current(name)[0] for name in shown} == shown
    assert len({*shown.values(), secrets.current()[0]}) == 3


def test_a_failed_job_can_be_retried_by_its_owner_alone(
    anna: Person, bert: Person, worker: FakeWorker
) -> None:
    job = bert.submit()
    worker.fail(worker.claim(job["id"]))
    assert anna("POST", f"/v1/jobs/{job['id']}/retry").status_code == 404
    again = bert("POST", f"/v1/jobs/{job['id']}/retry").json
    assert again["retried_from"] == job["id"]
    assert anna("GET", f"/v1/jobs/{again['id']}").status_code == 404
