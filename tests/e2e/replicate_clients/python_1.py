"""What programs do with Replicate's Python client 1.0.7, against what the environment names."""

import asyncio
import json
import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import replicate
import told
from replicate.exceptions import ModelError, ReplicateError
from replicate.helpers import FileOutput
from replicate.prediction import Prediction

DIGITS, PAINTER = "atelier/mnist-dcgan", "atelier/magenta-mobile"
PNG = b"\x89PNG\r\n\x1a\n"
LONG = {"interpolate": {"seeds": [1, 2], "steps": 256}, "grid": {"columns": 16}}  # has steps to tell of
PHOTO, PAINTING, BROKEN = (Path(os.environ[name]) for name in ("PHOTO", "PAINTING", "BROKEN"))


def run() -> None:
    pictures = replicate.run(DIGITS, input={"seed": 7, "count": 2})
    assert [type(picture) for picture in pictures] == [FileOutput, FileOutput]
    assert all(picture.read().startswith(PNG) for picture in pictures)
    version = replicate.models.get(DIGITS).latest_version
    (picture,) = replicate.run(f"{DIGITS}:{version.id}", input={"seed": 7})
    assert picture.read() == pictures[0].read()
    with PHOTO.open("rb") as photo, PAINTING.open("rb") as painting:
        painted = replicate.run(PAINTER, input={"content": photo, "styles": [{"image": painting}]})
    assert isinstance(painted, FileOutput)
    assert b"".join(painted).startswith(PNG)
    with PHOTO.open("rb") as photo, PAINTING.open("rb") as painting:
        given = {"content": photo, "styles": [{"image": painting}], "strength": 0}
        sent = replicate.run(PAINTER, input=given, file_encoding_strategy="base64", wait=False)
    again = replicate.run(PAINTER, input={**given, "content": sent.url, "styles": [{"image": painted.url}]})
    assert again.read().startswith(PNG)


def create_wait_reload() -> None:
    version = replicate.models.get(DIGITS).latest_version
    prediction = replicate.predictions.create(version=version, input={"seed": 7})
    assert prediction.status in ("starting", "processing")
    prediction.wait()
    prediction.reload()
    assert (prediction.status, prediction.model, prediction.version) == ("succeeded", DIGITS, version.id)
    assert prediction.metrics["predict_time"] >= 0
    waited = replicate.predictions.create(model=DIGITS, input={"seed": 8}, wait=30)
    assert waited.id != prediction.id
    assert replicate.predictions.get(waited.id).input["seeds"] == [8]


def cancel() -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    prediction = replicate.predictions.create(model=DIGITS, input={"not_before": tomorrow})
    prediction.cancel()
    assert prediction.status == "canceled"
    assert replicate.predictions.cancel(prediction.id).status == "canceled"


def list_and_paginate() -> None:
    first = replicate.predictions.list(cursor="/v1/predictions?limit=2")
    assert len(first) == 2
    second = replicate.predictions.list(cursor=first.next)
    assert {entry.id for entry in first}.isdisjoint({entry.id for entry in second})
    ids = [entry.id for page in replicate.paginate(replicate.predictions.list) for entry in page]
    assert [entry.id for entry in [*first, *second]] == ids[:4]


def files() -> None:
    file = replicate.files.create(PHOTO, metadata={"customer": 123})
    assert (file.name, file.metadata, file.size) == (PHOTO.name, {"customer": 123}, PHOTO.stat().st_size)
    assert replicate.files.get(file.id) == file
    assert file.id in [entry.id for entry in replicate.files.list()]
    assert replicate.files.delete(file.id)
    gone = told.refused(lambda: replicate.files.get(file.id), ReplicateError)
    assert gone.status == 404


def stream() -> None:
    events = list(replicate.stream(DIGITS, input=LONG))
    logs = [event.data for event in events if event.event.value == "logs"]
    assert all(Prediction.Progress.parse(line) for line in logs)
    assert logs
    assert [event.event.value for event in events[len(logs) :]] == ["output", "done"]
    assert isinstance(events[-2].data, FileOutput)
    prediction = replicate.predictions.create(model=DIGITS, input={"seed": 7})
    assert [event.event.value for event in prediction.stream()][-1] == "done"


def webhooks() -> None:
    events = ["start", "output", "logs", "completed"]
    url = told.start()
    told_of = {"webhook": url, "webhook_events_filter": events}
    made = replicate.predictions.create(model=DIGITS, input={"seed": 7}, **told_of)
    secret = replicate.webhooks.default.secret()
    statuses = set()
    for _ in range(2):
        headers, body = told.next_one()
        replicate.webhooks.validate(headers=headers, body=body, secret=secret, tolerance=300)
        prediction = json.loads(body)
        assert prediction["id"] == made.id
        statuses.add(prediction["status"])
    assert "succeeded" in statuses


def models_and_versions() -> None:
    models = [model for page in replicate.paginate(replicate.models.list) for model in page]
    assert {DIGITS, PAINTER} <= {model.id for model in models}
    model = replicate.models.get("atelier", "magenta-mobile")
    assert [found.id for found in replicate.models.search("magenta-mobile")] == [model.id]
    (version,) = model.versions.list()
    assert model.versions.get(version.id) == version == model.latest_version
    schemas = version.openapi_schema["components"]["schemas"]
    assert "content" in schemas["Input"]["required"]
    assert schemas["Output"] == {"title": "Output", "type": "string", "format": "uri"}
    assert replicate.Client().accounts.current().type == "user"


def errors() -> None:
    nonsense = told.refused(lambda: replicate.run(DIGITS, input={"seed": "seven"}), ReplicateError)
    assert (nonsense.status, nonsense.title) == (422, "The request is not valid")
    assert "seed must be a whole number" in nonsense.detail
    with BROKEN.open("rb") as broken, PAINTING.open("rb") as painting:
        given = {"content": broken, "styles": [{"image": painting}]}
        failed = told.refused(lambda: replicate.run(PAINTER, input=given), ModelError)
    assert failed.prediction.status == "failed"
    assert failed.prediction.error


async def at_once() -> None:
    runs = [replicate.async_run(DIGITS, input={"seed": seed}) for seed in (1, 2, 3)]
    found = [await picture.aread() for (picture,) in await asyncio.gather(*runs)]
    assert len(set(found)) == 3
    file = await replicate.files.async_create(PHOTO)
    assert (await replicate.files.async_get(file.id)).id == file.id
    prediction = await replicate.predictions.async_create(model=DIGITS, input={"seed": 7})
    await prediction.async_wait()
    await prediction.async_reload()
    stream = await replicate.async_stream(DIGITS, input={"seed": 7})
    assert [event.event.value async for event in stream][-2:] == ["output", "done"]
    assert len(await replicate.predictions.async_list()) > 1
    assert (await replicate.models.async_get(DIGITS)).id == DIGITS


PARTS = (
    run, create_wait_reload, cancel, list_and_paginate, files, stream, webhooks, models_and_versions, errors,
    lambda: asyncio.run(at_once()),
)  # fmt: skip
for part in PARTS:
    part()
    print(part.__name__, flush=True)
