"""What a kind of job hands to the pipeline becomes files: pictures, and films where the format can move."""

from dataclasses import dataclass
from time import sleep
from typing import Any

import numpy as np
import pytest

from shared.errors import StorageUnavailable
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.specs.parts import Lane
from shared.specs.stylize import StylizeSpec
from shared.storage.base import ObjectStore
from tests.support.images import pictures
from tests.support.jobs.chain_steps import output_of, painting
from tests.support.jobs.job_steps import submit
from tests.worker.conftest import Bench
from worker import pipeline
from worker.codec.animation import Frame, decode_frames
from worker.codec.decode import decode
from worker.codec.encode import encode
from worker.execution.batcher import Batcher
from worker.execution.resources import Film, Resources, ResultPicture, StyleCache

LIMITS = ImageLimits(min_side=1, max_frames=8)
ALPHA = np.full((24, 32), 255, np.uint8)
ALPHA[:12] = 0


@dataclass
class Gives:
    """A kind of job whose results are known before."""

    results: list[ResultPicture | Film]

    def prepare(self, *_: Any) -> None:
        return None

    def predict(self, *_: Any) -> list[ResultPicture | Film]:
        return self.results


def run(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, result: ResultPicture | Film, image_format: str
) -> Job:
    monkeypatch.setitem(pipeline.KINDS, "generate", Gives([result]))
    moving = {"animation": {}} if image_format == "gif" else {}
    job_id = bench.submit(output={"format": image_format}, **moving)
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    return bench.job(job_id)


def film(alpha: np.ndarray | None = None) -> Film:
    return Film(tuple(Frame(np.roll(pictures.gradient(), i, axis=1), alpha, 60) for i in range(3)), seed=5)


@pytest.mark.parametrize("image_format", ["gif", "webp"])
def test_a_film_becomes_one_animated_file(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, image_format: str
) -> None:
    (output,) = run(bench, monkeypatch, film(), image_format).outputs
    frames = decode_frames(bench.objects.get(output.key), LIMITS)
    assert (output.media_type, output.seed) == (f"image/{image_format}", 5)
    assert output.key.endswith(f"/0.{image_format}")
    assert [frame.milliseconds for frame in frames] == [60] * 3


@pytest.mark.parametrize("image_format", ["png", "jpeg"])
def test_a_film_is_refused_where_the_format_cannot_move(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, image_format: str
) -> None:
    job = run(bench, monkeypatch, film(), image_format)
    assert job.status is Status.FAILED
    assert job.error is not None
    assert (job.error["code"], job.error["errors"][0]["pointer"]) == ("invalid_request", "/output/format")


def test_a_still_picture_can_be_a_gif(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    (output,) = run(bench, monkeypatch, ResultPicture(pictures.gradient(), ALPHA), "gif").outputs
    decoded = decode(bench.objects.get(output.key), LIMITS)
    assert decoded.alpha is not None
    assert np.array_equal(decoded.alpha, ALPHA)


def test_the_model_is_named_in_a_png(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.model.card = bench.model.card.model_copy(update={"version": "7"})
    (output,) = run(bench, monkeypatch, ResultPicture(pictures.gradient(), text={"a": "b"}), "png").outputs
    assert b"mnist-dcgan@7" in bench.objects.get(output.key)


class Refusing:
    """A store whose third put fails, early; the others take their time."""

    def __init__(self, objects: ObjectStore) -> None:
        self._objects = objects
        self.ended = 0

    def put(self, key: str, data: bytes) -> None:
        if key.endswith("/2.png"):
            raise StorageUnavailable("away")
        sleep(0.05)
        self._objects.put(key, data)
        self.ended += 1


def test_no_output_is_still_being_written_when_storing_has_failed(bench: Bench) -> None:
    job_id = bench.submit(seeds=list(range(12)))
    job = bench.store.claim(job_id, "w1")
    assert job is not None
    refusing, pixels = Refusing(bench.objects), np.zeros((2, 2, 1), np.uint8)
    images = [encode(pixels, format="png", quality=90)] * 12
    resources = Resources(refusing, Batcher(1), StyleCache(), ImageLimits())  # type: ignore[arg-type]
    with pytest.raises(StorageUnavailable):
        pipeline._store_all(job, images, [None] * 12, resources)
    assert refusing.ended == 11


def test_an_output_of_another_job_comes_as_the_file_of_its_bytes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[tuple[StylizeSpec, dict[str, Any]]] = []
    gives = Gives([ResultPicture(pictures.gradient())])
    monkeypatch.setattr(gives, "prepare", lambda spec, inputs, *_: seen.append((spec, dict(inputs))))
    monkeypatch.setitem(pipeline.KINDS, "stylize", gives)
    parent = bench.submit()
    child = submit(bench.store, spec=painting(output_of(parent), mask=output_of(parent)))
    bench.runner().handle(parent, Lane.INTERACTIVE)
    (output,), job = bench.job(parent).outputs, bench.job(child)
    name, data = f"file_{output.sha256}", bench.objects.get(output.key)
    ((spec, inputs),) = seen
    assert (spec.content, spec.mask, inputs) == (name, name, {name: data})
    assert (job.status, job.spec.inputs) == (Status.SUCCEEDED, [output_of(parent)])


def test_an_input_that_is_not_what_was_uploaded_is_an_error_and_no_picture(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(pipeline.KINDS, "stylize", Gives([ResultPicture(pictures.gradient())]))
    data = pictures.png(32, 32)
    file, _ = FileStore(bench.store.client, bench.objects).add(ANONYMOUS, data, probe(data, ImageLimits()))
    job_id = submit(bench.store, spec=painting(file.id))
    bench.objects.put(file.key, data[:-1] + b"?")
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    assert (job.status, job.outputs) == (Status.FAILED, ())
    assert job.error is not None
    assert job.error["code"] == "attempts_exhausted"
    assert {ended.code for ended in job.history} == {"object_damaged"}


def test_outputs_keep_their_order_however_they_are_stored(bench: Bench) -> None:
    job_id = bench.submit(seeds=list(range(40)))
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    outputs = bench.job(job_id).outputs
    assert [output.seed for output in outputs] == list(range(40))
    assert [output.key.rpartition("/")[2] for output in outputs] == [f"{n}.png" for n in range(40)]
