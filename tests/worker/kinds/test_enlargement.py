"""`output.enlarge` of every kind of job: the finished picture, larger, through a worker's whole pipeline."""

import io
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.cards.card import ModelCard, load_catalog
from shared.errors import ModelUnavailable
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Job, Progress
from shared.jobs.status import Status
from shared.specs.parts import Lane
from tests.support.images import pictures
from tests.worker.conftest import Bench
from tests.worker.kinds.test_generation import Bars
from tests.worker.kinds.test_stylization import Mixer
from worker.execution.attempt import QUIET_SECONDS

STEPS = 4


@dataclass
class Repeater:
    """Enlarges by making each pixel a square, in several steps; notes what it gets."""

    card: ModelCard
    digest: str = "repeater"
    shapes: list[tuple[int, ...]] = field(default_factory=list)
    before: Callable[[], Any] = lambda: None  # what happens in each step

    def apply(self, content: np.ndarray, on_step: Any, run: Any) -> np.ndarray:
        self.shapes.append(content.shape)
        for step in range(STEPS):
            run(self.before)
            on_step(step + 1, STEPS)
        return content.repeat(self.card.scale, 0).repeat(self.card.scale, 1)

    def apply_rows(self, content: np.ndarray, on_step: Any, run: Any, take: Any) -> None:
        take(self.apply(content, on_step, run))


@dataclass
class Atelier:
    """A worker with one painter or generator, and what enlarges."""

    bench: Bench
    files: FileStore
    enlargers: dict[str, Repeater] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for factor in (2, 3, 4):
            card = load_catalog().get(f"enlarge-x{factor}")
            self.enlargers[card.name] = Repeater(card)

    def get(self, name: str) -> Any:
        if name.startswith("enlarge"):
            if name not in self.enlargers:
                raise ModelUnavailable(f"model {name} 1 is not in the model store")
            return self.enlargers[name]
        return Mixer() if name == "magenta-mobile" else Bars()

    def upload(self, data: bytes) -> str:
        return self.files.add(ANONYMOUS, data, probe(data, ImageLimits(max_frames=10)))[0].id

    def run(self, **spec: Any) -> Job:
        job_id = self.bench.submit(**spec)
        runner = self.bench.runner()
        runner._models = self
        runner.handle(job_id, Lane.INTERACTIVE)
        return self.bench.job(job_id)

    def stylize(self, content: bytes, **output: Any) -> Job:
        styles = [{"image": self.upload(pictures.png(20, 20))}]
        return self.run(type="stylize", content=self.upload(content), styles=styles, output=output)

    def runnable(self) -> None:
        return None

    def image(self, job: Job) -> Image.Image:
        assert job.status is Status.SUCCEEDED, job.error
        return Image.open(io.BytesIO(self.bench.objects.get(job.outputs[0].key)))


@pytest.fixture
def atelier(bench: Bench, files: FileStore) -> Atelier:
    return Atelier(bench, files)


@pytest.mark.parametrize("factor", [2, 3, 4])
def test_a_painting_is_enlarged(atelier: Atelier, factor: int) -> None:
    job = atelier.stylize(pictures.photo(40, 30), enlarge=factor, format="png")
    image = atelier.image(job)
    assert image.size == (40 * factor, 30 * factor)
    assert (job.outputs[0].width, job.outputs[0].height) == image.size
    assert atelier.enlargers[f"enlarge-x{factor}"].shapes == [(30, 40, 3)]
    assert image.info["atelier:enlarger"] == f"enlarge-x{factor}@1"
    assert job.timings["enlarge"] >= 0


def test_without_it_nothing_is_enlarged_and_nothing_said_of_it(atelier: Atelier) -> None:
    job = atelier.stylize(pictures.photo(40, 30))
    assert (atelier.image(job).size, "enlarge" in job.timings) == ((40, 30), False)
    assert "atelier:enlarger" not in atelier.image(job).info


def test_alpha_follows_the_size(atelier: Atelier) -> None:
    image = atelier.image(atelier.stylize(pictures.with_alpha(), enlarge=2))
    assert (image.mode, image.size) == ("RGBA", (64, 48))
    assert image.getchannel("A").getextrema() != (255, 255)


def test_each_frame_of_an_animation_is_enlarged(atelier: Atelier) -> None:
    film = pictures.gif(3, 24, 16)
    image = atelier.image(atelier.stylize(film, enlarge=2, format="gif"))
    assert (image.size, getattr(image, "n_frames", 1)) == ((48, 32), 3)
    assert len(atelier.enlargers["enlarge-x2"].shapes) == 3


def test_grey_pictures_stay_grey_and_are_upscaled_afterwards(atelier: Atelier) -> None:
    job = atelier.run(seeds=[1, 2], output={"enlarge": 3}, upscale={"factor": 2})
    assert [(output.width, output.height) for output in job.outputs] == [(168, 168)] * 2
    assert atelier.image(job).mode == "L"
    assert atelier.enlargers["enlarge-x3"].shapes == [(28, 28, 3)] * 2


def test_what_is_enlarged_is_the_same_alone_and_in_company(atelier: Atelier) -> None:
    way: dict[str, Any] = {"digit": 5, "output": {"enlarge": 2, "format": "webp"}}
    several, alone = atelier.run(seeds=[3, 7], **way), atelier.run(seeds=[7], lane="bulk", **way)
    assert several.outputs[1].sha256 == alone.outputs[0].sha256 != several.outputs[0].sha256


def test_an_enlarged_painting_of_a_result_is_that_of_its_bytes(atelier: Atelier) -> None:
    parent = atelier.run(seeds=[7], upscale={"factor": 2})
    upload = atelier.upload(atelier.bench.objects.get(parent.outputs[0].key))
    styles = [{"image": atelier.upload(pictures.png(20, 20))}]
    chained, uploaded = (
        atelier.run(type="stylize", content=content, styles=styles, output={"enlarge": 3})
        for content in ({"job": parent.id, "output": 0}, upload)
    )
    assert chained.outputs[0].sha256 == uploaded.outputs[0].sha256
    assert (chained.outputs[0].width, chained.outputs[0].height) == (168, 168)


def test_a_sheet_is_enlarged_as_one_picture(atelier: Atelier) -> None:
    job = atelier.run(count=4, grid={"columns": 2, "gap": 0}, output={"enlarge": 4})
    assert atelier.image(job).size == (224, 224)


def test_progress_grows_through_both_stages(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []
    monkeypatch.setattr("worker.execution.attempt.REPORT_EVERY_SECONDS", 0)
    monkeypatch.setitem(QUIET_SECONDS, Lane.INTERACTIVE, 0)
    monkeypatch.setattr(
        type(atelier.bench.store), "report", lambda self, job_id, attempt, progress: told.append(progress)
    )
    atelier.run(seeds=[1, 2], output={"enlarge": 2})
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    steps = [(progress.step, progress.total) for progress in told if progress.stage == "enlarge"]
    assert steps[-2 * STEPS :] == [(step, 2 * STEPS) for step in range(1, 2 * STEPS + 1)]
    assert list(dict.fromkeys(progress.stage for progress in told))[-3:] == ["enlarge", "encode", "store"]


def test_a_job_that_is_canceled_while_it_is_enlarged_ends(atelier: Atelier) -> None:
    enlarger = atelier.enlargers["enlarge-x2"]
    seen: list[int] = []

    def cancel() -> None:
        seen.append(1)
        for attempt in atelier.bench.held.all():
            attempt.note("canceled")

    enlarger.before = cancel
    job = atelier.run(seeds=[1], output={"enlarge": 2})
    assert (len(seen), job.status is Status.SUCCEEDED, job.outputs) == (1, False, ())


def test_a_worker_that_cannot_enlarge_leaves_the_job_to_others(atelier: Atelier) -> None:
    del atelier.enlargers["enlarge-x2"]
    job = atelier.run(seeds=[1], output={"enlarge": 2})
    assert (job.status, job.history[-1].code) == (Status.QUEUED, "model_unavailable")
    assert job.failures == 0
