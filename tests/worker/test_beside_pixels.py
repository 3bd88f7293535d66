"""What the files of results say beside their pixels: that a machine made them, and what was asked for."""

from dataclasses import replace
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import ExifTags, Image

from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS
from shared.images.heif.color import Coding, profile_of
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.specs.parts import Lane
from tests.support.images import pictures
from tests.worker.conftest import Bench
from worker import pipeline
from worker.codec.animation import Frame
from worker.execution.resources import Film, ResultPicture
from worker.kinds import transformation

GENERATED, PAINTED = b"/trainedAlgorithmicMedia<", b"/compositeWithTrainedAlgorithmicMedia<"
P3 = profile_of(Coding(12, 13)) or b""


class Copies:
    """A kind of job that decodes its content and gives it back."""

    prepare = staticmethod(transformation.prepare)

    def predict(self, prepared: transformation.PreparedCall, *_: Any) -> list[ResultPicture | Film]:
        return [ResultPicture(prepared.content, prepared.alpha, profile=prepared.profile)]


class Moves:
    """A kind of job that gives a film."""

    def prepare(self, *_: Any) -> None:
        return None

    def predict(self, *_: Any) -> list[ResultPicture | Film]:
        return [Film(tuple(Frame(np.roll(pictures.gradient(), i, axis=1), None, 60) for i in range(3)))]


def photo() -> bytes:
    exif = Image.Exif()
    exif[ExifTags.Base.Make], exif[ExifTags.Base.Orientation] = "Maker", 6
    exif.get_ifd(ExifTags.IFD.GPSInfo)[ExifTags.GPS.GPSLatitudeRef] = "N"
    image = Image.fromarray(pictures.gradient())
    return pictures.save(image, "png", exif=exif.tobytes(), icc_profile=P3)


@pytest.fixture
def content(files: FileStore) -> str:
    return files.add(ANONYMOUS, photo(), probe(photo(), ImageLimits()))[0].id


def made(bench: Bench, *, marks: bool = True, **spec: Any) -> bytes:
    runner = bench.runner()
    runner._resources = replace(runner._resources, marks=marks)
    job_id = bench.submit(**spec)
    runner.handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    assert job.outputs, job.error
    return bench.objects.get(job.outputs[0].key)


def painted(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, content: str, *, marks: bool = True, **output: Any
) -> bytes:
    monkeypatch.setitem(pipeline.KINDS, "stylize", Copies())
    card = bench.model.card.model_copy(update={"kind": "stylize"})
    monkeypatch.setattr(bench.model, "card", card)
    spec = {"type": "stylize", "content": content, "styles": [{"image": content}]}
    return made(bench, marks=marks, output=output, **spec)


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_a_generated_picture_is_marked_as_made_of_nothing(bench: Bench, image_format: str) -> None:
    data = made(bench, type="generate", seeds=[1], output={"format": image_format})
    assert GENERATED in data
    assert data == made(bench, type="generate", seeds=[1], output={"format": image_format})
    bare = made(bench, marks=False, type="generate", seeds=[1], output={"format": image_format})
    assert b"DigitalSourceType" not in bare
    pixels = (np.asarray(Image.open(BytesIO(each)).convert("RGB")) for each in (data, bare))
    np.testing.assert_array_equal(*pixels)


@pytest.mark.parametrize("image_format", ["gif", "webp"])
def test_a_film_is_marked(bench: Bench, monkeypatch: pytest.MonkeyPatch, image_format: str) -> None:
    monkeypatch.setitem(pipeline.KINDS, "generate", Moves())
    spec = {"type": "generate", "seeds": [1], "animation": {}, "output": {"format": image_format}}
    data = made(bench, **spec)
    assert GENERATED in data
    assert getattr(Image.open(BytesIO(data)), "n_frames", 1) == 3
    assert b"DigitalSourceType" not in made(bench, marks=False, **spec)


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_a_painting_is_marked_as_made_of_a_picture(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, content: str, image_format: str
) -> None:
    data = painted(bench, monkeypatch, content, format=image_format)
    assert PAINTED in data
    assert data == painted(bench, monkeypatch, content, format=image_format)
    image = Image.open(BytesIO(data))
    assert not image.getexif()
    assert "icc_profile" not in image.info


@pytest.mark.parametrize("image_format", ["png", "jpeg", "webp"])
def test_a_job_says_what_its_result_takes_over(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, content: str, image_format: str
) -> None:
    output = {"format": image_format, "quality": 95}
    data = painted(bench, monkeypatch, content, profile="keep", metadata="safe", **output)
    assert data == painted(bench, monkeypatch, content, profile="keep", metadata="safe", **output)
    image = Image.open(BytesIO(data))
    image.load()
    assert image.info["icc_profile"] == P3
    assert dict(image.getexif()) == {ExifTags.Base.Make: "Maker"}
    turned = np.rot90(pictures.gradient(), -1)
    assert np.abs(np.asarray(image.convert("RGB")).astype(int) - turned).mean() < 4
    assert PAINTED in data
    everything = painted(bench, monkeypatch, content, metadata="all", **output)
    place = Image.open(BytesIO(everything)).getexif().get_ifd(ExifTags.IFD.GPSInfo)
    assert place == {ExifTags.GPS.GPSLatitudeRef: "N"}
