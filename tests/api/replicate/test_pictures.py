"""Pictures of predictions, in and out: traps that were found by running Replicate's clients, without them."""

import base64
import io

import pytest
from flask.testing import FlaskClient
from PIL import Image

from api.replicate import answers
from api.services import Services
from shared.network_settings import ApiSettings
from shared.setting_groups import Limits
from tests.api.replicate.conftest import HOME, PAINTER, ClientWith, Create, Json, read
from tests.support.images.pictures import gradient, png, save
from tests.support.jobs.fake_worker import PICTURE, FakeWorker

HTTPS = ApiSettings(public_url="https://pictures.example/atelier")


def data_url(data: bytes, kind: str = "application/octet-stream") -> str:
    return f"data:{kind};base64,{base64.b64encode(data).decode()}"


# 3: only what begins with `https:` or `data:` becomes a file in a program.


def test_pictures_come_as_data_where_the_service_is_reached_by_http(done: Json) -> None:
    assert done["output"] == [data_url(PICTURE, "image/png")]


def test_pictures_come_as_addresses_where_the_service_is_reached_by_https(
    client_with: ClientWith, done: Json
) -> None:
    client = client_with(api=HTTPS)
    (address,) = read(client, done["id"])["output"]
    assert address == f"{HTTPS.public_url}/v1/jobs/{done['id']}/outputs/0"
    assert client.get(address.removeprefix(HTTPS.public_url)).data == PICTURE


@pytest.mark.parametrize(("encoding", "begin"), [("data", "data:image/png;base64,"), ("url", "http")])
def test_a_request_may_say_how_its_pictures_come(
    create: Create, client_with: ClientWith, worker: FakeWorker, encoding: str, begin: str
) -> None:
    made = create({"seed": 7, "output_encoding": encoding}).json
    worker.run(made["id"])
    for api in (ApiSettings(), HTTPS):
        found = read(client_with(api=api), made["id"])
        assert found["output"][0].startswith(begin)
        assert found["input"]["output_encoding"] == encoding
        assert "metadata" not in found["input"]


def test_what_is_large_comes_as_an_address(
    client: FlaskClient, done: Json, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "MOST_DATA_BYTES", len(PICTURE) - 1)
    assert read(client, done["id"])["output"][0].startswith("http://")


def test_pictures_larger_than_a_piece_are_whole(
    create: Create, client: FlaskClient, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(answers, "PIECE_BYTES", 3 * 16)
    data = png(60, 50)
    made = create().json
    worker.succeed(worker.claim(made["id"]), data=data)
    assert read(client, made["id"])["output"] == [data_url(data, "image/png")]


def test_no_text_of_a_client_is_taken_for_a_picture(
    create: Create, client: FlaskClient, worker: FakeWorker, monkeypatch: pytest.MonkeyPatch
) -> None:
    metadata = {"a": f"{'0' * 32}-0-", "b": "-0-"}
    made = create({"seed": 7, "metadata": metadata}).json
    worker.run(made["id"])
    assert read(client, made["id"])["input"]["metadata"] == metadata


def test_a_list_has_addresses(client: FlaskClient, done: Json) -> None:
    (entry,) = client.get(f"{HOME}/predictions").json["results"]
    assert entry["output"][0].startswith("http://")


# 6: the Python clients send their token to whatever host an output names.


def test_outputs_are_at_the_services_own_address(
    client: FlaskClient, worker: FakeWorker, create: Create
) -> None:
    made = create({"seed": 7, "output_encoding": "url"}).json
    worker.run(made["id"])
    headers = {"X-Forwarded-Host": "evil.example", "Forwarded": "host=evil.example"}
    found = client.get(f"{HOME}/predictions/{made['id']}", headers=headers).json
    addresses = [*found["output"], *found["urls"].values()]
    assert all(address.startswith("http://localhost/") for address in addresses)


# 11: an upload's own address comes back as an input.


def test_an_uploads_address_is_not_fetched(client: FlaskClient, services: Services) -> None:
    addresses = []
    for picture in (png(40, 30), png(20, 20)):
        parts = {"content": (io.BytesIO(picture), "a.png")}
        addresses.append(client.post(f"{HOME}/files", data=parts).json["urls"]["get"])
    body = {"input": {"content": addresses[0], "styles": [{"image": addresses[1]}]}}
    made = client.post(f"{HOME}/models/{PAINTER}/predictions", json=body)
    assert made.status_code == 202, made.json
    assert made.json["input"]["content"] == addresses[0].rpartition("/")[2]


def test_an_output_may_be_the_input_of_the_next(client: FlaskClient, done: Json, worker: FakeWorker) -> None:
    address = client.get(f"/v1/jobs/{done['id']}").json["outputs"][0]["url"]
    body = {"input": {"content": address, "styles": [{"image": done["output"][0]}]}}
    made = client.post(f"{HOME}/models/{PAINTER}/predictions", json=body)
    assert made.status_code == 202, made.json
    worker.run(made.json["id"])
    assert isinstance(read(client, made.json["id"])["output"], str)


@pytest.mark.parametrize(
    "address", ["/v1/jobs/job_0/outputs/0", "{done}/outputs/7", f"{HOME}/files/file_{'0' * 64}"]
)
def test_an_own_address_where_nothing_is_is_refused_by_its_field(
    client: FlaskClient, done: Json, address: str
) -> None:
    content = "http://localhost" + address.format(done=f"/v1/jobs/{done['id']}")
    body = {"input": {"content": content, "styles": [{"image": data_url(png())}]}}
    refused = client.post(f"{HOME}/models/{PAINTER}/predictions", json=body)
    assert refused.status_code == 422
    assert [fault["pointer"] for fault in refused.json["errors"]] == ["/input/content"]
    assert refused.json["code"] == "file_not_found"


# JavaScript's own: data URLs in the place of uploads, up to 10 MB.


def test_a_picture_of_ten_megabytes_may_come_as_a_data_url(client_with: ClientWith) -> None:
    picture = save(Image.fromarray(gradient(1822, 1822)), "png", compress_level=0)
    assert 9_900_000 < len(picture) < 10_000_000
    client = client_with(limits=Limits())
    body = {"input": {"content": data_url(picture), "styles": [{"image": data_url(png())}]}}
    made = client.post(f"{HOME}/models/{PAINTER}/predictions", json=body)
    assert made.status_code == 202, made.json["detail"]
