"""Pictures that jobs, batches and styles name by address."""

import base64
import dataclasses
import io
import json
from collections.abc import Iterator
from contextlib import ExitStack
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from api.app import create_app
from api.batches.inputs import MAX_ADDRESSES
from api.services import Services, make_fetcher
from shared.identifiers import ANONYMOUS, file_id, sha256
from shared.network_settings import FetchSettings
from shared.setting_groups import Limits
from tests.support.http.openapi_client import CheckedClient
from tests.support.http.scripted_server import Reply, ScriptedServer, scripted_server
from tests.support.images.pictures import png
from tests.support.jobs.fake_worker import FakeWorker

PHOTO, PAINTING, MASK = png(40, 30), png(20, 20), png(40, 31)
LOCAL = FetchSettings(allow_private=True, timeout_seconds=3)


def id_of(data: bytes) -> str:
    return file_id(sha256(data))


def data_url(data: bytes, kind: str = "image/png") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


def client_with(services: Services, **settings: Any) -> FlaskClient:
    """Return a client of the application under other settings."""
    changed = services.settings.model_copy(update=settings)
    app = create_app(dataclasses.replace(services, settings=changed, fetcher=make_fetcher(changed)))
    app.test_client_class = CheckedClient
    return app.test_client()


@pytest.fixture
def web() -> Iterator[ScriptedServer]:
    """Where the pictures are."""
    with scripted_server() as running:
        pictures = {"/photo": PHOTO, "/painting": PAINTING, "/mask": MASK}
        running.replies |= {path: Reply(body=data) for path, data in pictures.items()}
        yield running


@pytest.fixture
def local(services: Services) -> FlaskClient:
    """A client of a service that may fetch from this machine."""
    return client_with(services, fetch=LOCAL)


def painted(content: str, style: str = data_url(PAINTING), **more: Any) -> dict[str, Any]:
    return {"type": "stylize", "content": content, "styles": [{"image": style}], **more}


def faults(response: TestResponse) -> list[tuple[str, str]]:
    assert response.json is not None
    return [(fault["pointer"], fault["code"]) for fault in response.json["errors"]]


def files_of(services: Services) -> set[str]:
    return {file.id for file in services.files.page(ANONYMOUS, limit=100).items}


def test_a_job_has_the_files_that_its_addresses_lead_to(
    local: FlaskClient, services: Services, web: ScriptedServer
) -> None:
    web.replies["/moved"] = Reply(302, {"Location": "/photo"})
    body = painted(f"{web.url}/moved", f"{web.url}/painting", mask=f"{web.url}/mask")
    response = local.post("/v1/jobs", json=body)
    assert response.status_code == 202, response.json
    given = response.json["input"]
    assert (given["content"], given["mask"]) == (id_of(PHOTO), id_of(MASK))
    assert given["styles"][0]["image"] == id_of(PAINTING)
    assert files_of(services) == {id_of(PHOTO), id_of(PAINTING), id_of(MASK)}
    assert local.get(f"/v1/files/{given['content']}/content").data == PHOTO
    job = services.store.get(response.json["id"], ANONYMOUS)
    assert job.spec.addresses == {}


def test_a_job_by_address_can_be_repeated_when_the_address_is_gone(
    local: FlaskClient, worker: FakeWorker, web: ScriptedServer
) -> None:
    job = local.post("/v1/jobs", json=painted(f"{web.url}/photo")).json
    web.replies.clear()
    again = local.post("/v1/jobs", json={"type": "stylize", **job["input"]})
    assert (again.status_code, again.json["input"]) == (202, job["input"])
    worker.fail(worker.claim(job["id"]))
    assert local.post(f"/v1/jobs/{job['id']}/retry").status_code == 202


def test_an_address_is_fetched_once_for_all_fields(local: FlaskClient, web: ScriptedServer) -> None:
    url = f"{web.url}/photo"
    assert local.post("/v1/jobs", json=painted(url, url, mask=url)).status_code == 202
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    "text",
    [
        data_url(PHOTO),
        data_url(PHOTO).replace("data:", "DATA:"),
        data_url(PHOTO, "text/plain;charset=utf-8"),
        data_url(PHOTO).replace("+", "%2B").replace("/", "%2f"),
    ],
)
def test_a_data_url_is_the_picture_itself(client: FlaskClient, text: str) -> None:
    response = client.post("/v1/jobs", json=painted(text))
    assert (response.status_code, response.json["input"]["content"]) == (202, id_of(PHOTO))


@pytest.mark.parametrize("text", ["data:", "data:image/png;base64", "data:;base64,%%%", "data:;base64,AAA"])
def test_a_data_url_that_cannot_be_decoded_is_named(client: FlaskClient, text: str) -> None:
    assert faults(client.post("/v1/jobs", json=painted(text))) == [("/content", "invalid_request")]


def test_a_data_url_is_bounded_like_an_upload(services: Services) -> None:
    client = client_with(services, limits=Limits(max_body_mebibytes=1, max_side=64))
    assert faults(client.post("/v1/jobs", json=painted(data_url(png(100, 100))))) == [
        ("/content", "image_too_large")
    ]


@pytest.fixture
def roomy(services: Services) -> FlaskClient:
    """A client of a service whose requests may have 16 MiB."""
    return client_with(services, limits=Limits(max_body_mebibytes=16))


def large_url(size: int) -> tuple[bytes, str]:
    """Return a picture of this many bytes, and its data URL."""
    picture = PHOTO.ljust(size, b"x")  # bytes behind its end are no part of a PNG
    return picture, data_url(picture)


def test_data_urls_as_clients_send_them_are_taken(roomy: FlaskClient) -> None:
    picture, url = large_url(10_000_000)
    small, small_url = large_url(1_500_000)
    for method, path in (("POST", "/v1/jobs"), ("PUT", "/v1/jobs/mine")):
        response = roomy.open(path, method=method, json=painted(url, small_url))
        assert response.status_code == 202, response.json
        given = response.json["input"]
        assert (given["content"], given["styles"][0]["image"]) == (id_of(picture), id_of(small))
    escaped = json.dumps({"name": "waves", "image": url}).replace("/", "\\/")  # as PHP writes it
    response = roomy.post("/v1/styles", data=escaped, content_type="application/json")
    assert (response.status_code, response.json["image"]) == (201, id_of(picture))


@pytest.mark.parametrize(
    "beside",
    [
        {"metadata": {"a": "x" * 1_100_000}},
        {"model": f"data:;base64,{'A' * 1_100_000}"},
        {"styles": [f"data:;base64,{'A' * 1_100_000}"]},
        {"mask": f"data:;base64,{'ö' * 1_100_000}"},
    ],
    ids=["metadata", "a data URL as model", "a data URL as a style", "a data URL of other signs"],
)
def test_beside_pictures_a_body_has_a_mebibyte(roomy: FlaskClient, beside: dict[str, Any]) -> None:
    body = json.dumps({**painted(large_url(3_000_000)[1]), **beside}, ensure_ascii=False)
    response = roomy.post("/v1/jobs", data=body.encode(), content_type="application/json")
    assert (response.status_code, response.json["code"]) == (413, "body_too_large")
    assert "beside pictures" in response.json["detail"]


def test_a_long_data_url_has_no_percent_signs(roomy: FlaskClient) -> None:
    url = large_url(3_000_000)[1].replace("/", "%2F")
    assert faults(roomy.post("/v1/jobs", json=painted(url))) == [("/content", "invalid_request")]


def test_a_form_takes_addresses_too(local: FlaskClient, web: ScriptedServer) -> None:
    form = {"content": f"{web.url}/photo", "style": [f"{web.url}/painting", data_url(MASK)]}
    response = local.post("/v1/jobs/stylize", data=form, content_type="multipart/form-data")
    assert (response.status_code, response.json["input"]["content"]) == (202, id_of(PHOTO))
    styles = [style["image"] for style in response.json["input"]["styles"]]
    assert styles == [id_of(PAINTING), id_of(MASK)]
    form = {"content": (io.BytesIO(PHOTO), "a.png"), "style": f"{web.url}/none"}
    response = local.post("/v1/jobs/stylize", data=form, content_type="multipart/form-data")
    assert faults(response) == [("/style/0", "picture_not_fetched")]


def test_a_style_is_kept_from_an_address(local: FlaskClient, web: ScriptedServer) -> None:
    response = local.post("/v1/styles", json={"name": "waves", "image": f"{web.url}/painting"})
    assert (response.status_code, response.json["image"]) == (201, id_of(PAINTING))
    response = local.post("/v1/styles", json={"name": "none", "image": f"{web.url}/none"})
    assert faults(response) == [("/image", "picture_not_fetched")]


@pytest.mark.parametrize("way", ["key", "id"])
def test_the_same_address_under_the_same_key_is_a_repetition(
    local: FlaskClient, web: ScriptedServer, way: str
) -> None:
    """What counts is what was asked, not what it led to."""

    def send(path: str) -> TestResponse:
        body = painted(f"{web.url}{path}")
        if way == "id":
            return local.put("/v1/jobs/mine", json=body)
        return local.post("/v1/jobs", json=body, headers={"Idempotency-Key": "k"})

    first = send("/photo")
    web.replies["/photo"] = Reply(404)
    again = send("/photo")
    assert (again.json["id"], again.headers["Idempotency-Replayed"]) == (first.json["id"], "true")
    assert len(web.asked) == 1
    assert send("/painting").json["code"] == "idempotency_key_reused"
    assert len(web.asked) == 1


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/none", "picture_not_fetched"),
        ("/text", "unsupported_image_format"),
        ("/large", "body_too_large"),
        ("/inside", "picture_not_fetched"),
        ("/loop", "picture_not_fetched"),
    ],
)
def test_what_goes_wrong_names_the_field_and_stores_nothing(
    local: FlaskClient, services: Services, web: ScriptedServer, path: str, code: str
) -> None:
    web.replies |= {
        "/text": Reply(body=b"secret text of an answer"),
        "/large": Reply(body=b"x" * (services.settings.limits.max_body_bytes + 1)),
        "/inside": Reply(302, {"Location": "http://169.254.169.254/"}),
        "/loop": Reply(302, {"Location": "/loop"}),
    }
    response = local.post("/v1/jobs", json=painted(f"{web.url}/photo", f"{web.url}{path}"))
    assert faults(response) == [("/styles/0/image", code)]
    assert 400 <= response.status_code < 500
    assert not any(word in response.text for word in ("secret", "169.254", "127.0.0.1"))
    assert files_of(services) == set()


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1/a.png",
        "http://localhost/a.png",
        "http://[::ffff:169.254.169.254]/a.png",
        "http://2130706433/a.png",
        "http://xn--a/a.png",
    ],
)
def test_the_inside_is_refused_by_default(client: FlaskClient, url: str) -> None:
    assert faults(client.post("/v1/jobs", json=painted(url))) == [("/content", "picture_not_fetched")]


@pytest.mark.parametrize(
    "url",
    ["http://u:p@a.example/", "http://a.example:0/", "https://a.example/" + "x" * 2048, "http://ü.example/"],
)
def test_what_is_no_address_is_found_with_all_other_faults(client: FlaskClient, url: str) -> None:
    response = client.post("/v1/jobs", json=painted(url, strength=7))
    assert sorted(faults(response)) == [("/content", "invalid_format"), ("/strength", "out_of_range")]


def test_nothing_is_fetched_for_a_request_with_other_faults(local: FlaskClient, web: ScriptedServer) -> None:
    url = f"{web.url}/photo"
    assert local.post("/v1/jobs", json=painted(url, strength=7)).status_code == 422
    assert local.post("/v1/jobs", json=painted(url, model="none")).status_code == 422
    items = [painted(url), painted(url, strength=7)]
    assert faults(local.post("/v1/batches", json={"items": items})) == [("/items/1/strength", "out_of_range")]
    assert web.asked == []


def test_fetching_can_be_switched_off(services: Services) -> None:
    client = client_with(services, fetch=FetchSettings(enabled=False))
    response = client.post("/v1/jobs", json=painted("https://a.example/photo.jpg"))
    assert (response.status_code, faults(response)) == (422, [("/content", "invalid_request")])
    assert "/v1/files" in response.json["detail"]
    assert client.post("/v1/jobs", json=painted(data_url(PHOTO))).status_code == 202


def test_requests_that_fetch_leave_threads_to_others(local: FlaskClient, web: ScriptedServer) -> None:
    services = local.application.extensions["atelier.services"]
    with ExitStack() as places:
        taken = [places.enter_context(services.fetcher.slot(ANONYMOUS)) for _ in range(9)]
        response = local.post("/v1/jobs", json=painted(f"{web.url}/photo"))
    assert (response.status_code, response.json["code"]) == (503, "too_many_fetches")
    assert taken == [True] * services.settings.api.threads + [False] * (9 - services.settings.api.threads)
    assert int(response.headers["Retry-After"]) > 0
    assert local.post("/v1/jobs", json=painted(f"{web.url}/photo")).status_code == 202


def test_the_pictures_of_a_job_are_bounded_together(local: FlaskClient, web: ScriptedServer) -> None:
    """Each is below the limit of 2 MiB, as a PNG with bytes behind its end is a picture."""
    for name in ("a", "b", "c"):
        web.replies[f"/{name}"] = Reply(body=PHOTO + name.encode() * 900_000)
    styles = [{"image": f"{web.url}/{name}"} for name in ("b", "c")]
    response = local.post("/v1/jobs", json={**painted(f"{web.url}/a"), "styles": styles})
    assert (response.status_code, response.json["code"]) == (413, "body_too_large")


def test_items_of_a_batch_name_addresses(local: FlaskClient, services: Services, web: ScriptedServer) -> None:
    items = [painted(f"{web.url}/{name}", f"{web.url}/painting") for name in ("photo", "mask", "photo")]
    response = local.post("/v1/batches", json={"items": items})
    assert response.status_code == 202, response.json
    jobs = local.get(f"/v1/batches/{response.json['id']}/items").json["data"]
    assert [job["input"]["content"] for job in jobs] == [id_of(PHOTO), id_of(MASK), id_of(PHOTO)]
    assert sorted(asked.path for asked in web.asked) == ["/mask", "/painting", "/photo"]
    assert files_of(services) == {id_of(PHOTO), id_of(PAINTING), id_of(MASK)}


def test_a_template_names_addresses(local: FlaskClient, web: ScriptedServer) -> None:
    multiply = {
        "content": [f"{web.url}/photo", {"id": data_url(MASK), "label": "mask"}],
        "style": [f"{web.url}/painting", {"image": data_url(PHOTO)}],
    }
    response = local.post("/v1/batches", json={"template": {"type": "stylize", "multiply": multiply}})
    assert response.status_code == 202, response.json
    jobs = local.get(f"/v1/batches/{response.json['id']}/items").json["data"]
    assert {job["input"]["content"] for job in jobs} == {id_of(PHOTO), id_of(MASK)}
    assert {job["input"]["styles"][0]["image"] for job in jobs} == {id_of(PHOTO), id_of(PAINTING)}


def test_an_address_that_fails_is_named_by_every_item(local: FlaskClient, web: ScriptedServer) -> None:
    bad = f"{web.url}/none"
    items = [painted(f"{web.url}/photo"), painted(bad), painted(f"{web.url}/photo", bad)]
    response = local.post("/v1/batches", json={"items": items})
    assert (response.status_code, faults(response)) == (
        422,
        [("/items/1/content", "picture_not_fetched"), ("/items/2/styles/0/image", "picture_not_fetched")],
    )
    assert local.get("/v1/batches").json["data"] == []


def test_the_addresses_of_a_batch_are_bounded(local: FlaskClient, web: ScriptedServer) -> None:
    items = [painted(f"{web.url}/{number}") for number in range(MAX_ADDRESSES + 1)]
    response = local.post("/v1/batches", json={"items": items})
    assert (response.status_code, web.asked) == (422, [])
    assert f"at most {MAX_ADDRESSES} pictures" in response.json["detail"]


def test_further_items_of_an_open_batch_name_addresses(local: FlaskClient, web: ScriptedServer) -> None:
    batch = local.post("/v1/batches", json={"open": True}).json
    more = local.post(
        f"/v1/batches/{batch['id']}/items?first=0", json={"items": [painted(f"{web.url}/photo")]}
    )
    assert (more.status_code, more.json["total"]) == (200, 1), more.json
