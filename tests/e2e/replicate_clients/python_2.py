"""What programs do with Replicate's Python client 2.0.0b4, against what the environment names."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import replicate
import told
from replicate import AsyncReplicate, NotFoundError, Replicate, UnprocessableEntityError
from replicate.lib._files import FileOutput

DIGITS, PAINTER = "atelier/mnist-dcgan", "atelier/magenta-mobile"
PNG = b"\x89PNG\r\n\x1a\n"
PHOTO, PAINTING = (Path(os.environ[name]) for name in ("PHOTO", "PAINTING"))
client = Replicate()


def latest(model: str) -> str:
    owner, name = model.split("/")
    return client.models.get(model_owner=owner, model_name=name).latest_version.id


def run() -> None:
    pictures = client.run(DIGITS, input={"seed": 7, "count": 2})
    assert [type(picture) for picture in pictures] == [FileOutput, FileOutput]
    (picture,) = client.run(f"{DIGITS}:{latest(DIGITS)}", input={"seed": 7})
    assert picture.read() == pictures[0].read()
    styles = [{"image": PAINTING}]
    painted = client.run(PAINTER, input={"content": PHOTO, "styles": styles})
    assert painted.read().startswith(PNG)
    inline = client.run(PAINTER, input={"content": PHOTO, "styles": styles}, file_encoding_strategy="base64")
    assert inline.read() == painted.read()
    again = client.run(PAINTER, input={"content": painted.url, "styles": styles, "strength": 0}, wait=False)
    assert b"".join(again).startswith(PNG)


def create_wait_reload() -> None:
    prediction = client.predictions.create(version=DIGITS, input={"seed": 7})
    assert prediction.status in ("starting", "processing")
    prediction = client.predictions.wait(prediction.id)
    assert (prediction.status, prediction.model, prediction.version) == ("succeeded", DIGITS, latest(DIGITS))
    assert prediction.metrics.total_time >= 0
    waited = client.models.predictions.create(
        model_owner="atelier", model_name="mnist-dcgan", input={"seed": 8}, prefer="wait=30"
    )
    assert client.predictions.get(prediction_id=waited.id).input["seeds"] == [8]


def cancel() -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    later = client.predictions.create(version=DIGITS, input={"not_before": tomorrow}, cancel_after="48h")
    assert later.deadline
    assert client.predictions.cancel(prediction_id=later.id).status == "canceled"


def list_and_paginate() -> None:
    first = client.predictions.list(extra_query={"limit": 2})
    assert first.has_next_page()
    pages = [entry.id for _, entry in zip(range(5), first, strict=False)]  # over three pages
    everything = [
        entry.id for entry in client.predictions.list(created_after=datetime(2026, 1, 1, tzinfo=UTC))
    ]
    assert pages == everything[:5]


def files() -> None:
    content = (PHOTO.name, PHOTO.read_bytes(), "image/jpeg")
    file = client.files.create(content=content, metadata={"customer": 123})
    assert (file.size, file.content_type) == (PHOTO.stat().st_size, "image/jpeg")
    found = client.files.get(file_id=file.id)
    assert found.checksums.sha256 in file.id
    assert found.metadata == {"customer": "123"}  # it comes as text, which is what this client sends
    assert file.id in [entry.id for entry in client.files.list()]
    client.files.delete(file_id=file.id)
    gone = told.refused(lambda: client.files.get(file_id=file.id), NotFoundError)
    assert "there is no file" in str(gone)


def use() -> None:
    """The client's own way of streaming, and models as functions."""
    (address,) = replicate.use(DIGITS)(seed=7)
    assert address.startswith("data:image/png;base64,")
    streamed = replicate.use(DIGITS, streaming=True)(seed=7, count=2)
    assert len(list(streamed)) == 2


def webhooks() -> None:
    url = told.start()
    made = client.predictions.create(
        version=DIGITS, input={"seed": 7}, webhook=url, webhook_events_filter=["completed"]
    )
    secret = client.webhooks.default.secret.get().key
    headers, body = told.next_one()
    told.check(headers, body, secret)  # this client has no check of its own
    prediction = json.loads(body)
    assert (prediction["id"], prediction["status"]) == (made.id, "succeeded")


def models_and_versions() -> None:
    names = {f"{model.owner}/{model.name}" for model in client.models.list()}
    assert {DIGITS, PAINTER} <= names
    (found,) = client.models.search(body="magenta-mobile")
    assert found.name == "magenta-mobile"
    place = {"model_owner": "atelier", "model_name": "magenta-mobile"}
    (version,) = client.models.versions.list(**place)
    assert client.models.versions.get(**place, version_id=version.id).openapi_schema == version.openapi_schema
    assert client.account.get().type == "user"


def errors() -> None:
    nonsense = told.refused(lambda: client.run(DIGITS, input={"seed": "seven"}), UnprocessableEntityError)
    assert "seed must be a whole number" in nonsense.body["detail"]


async def at_once() -> None:
    async with AsyncReplicate() as other:
        runs = [other.run(DIGITS, input={"seed": seed}) for seed in (1, 2, 3)]
        found = [await picture.read() for (picture,) in await asyncio.gather(*runs)]
        assert len(set(found)) == 3
        prediction = await other.predictions.create(version=DIGITS, input={"seed": 7})
        assert (await other.predictions.wait(prediction.id)).status == "succeeded"
        file = await other.files.create(content=PHOTO.read_bytes())
        assert (await other.files.get(file_id=file.id)).id == file.id
        ids = [entry.id async for entry in await other.predictions.list()]
        assert prediction.id in ids


PARTS = (
    run, create_wait_reload, cancel, list_and_paginate, files, use, webhooks, models_and_versions, errors,
    lambda: asyncio.run(at_once()),
)  # fmt: skip
for part in PARTS:
    part()
    print(part.__name__, flush=True)
