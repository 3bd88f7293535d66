"""The way of an optimization: sizes, steps, previews and ends, around a small numpy model."""

import io
import itertools
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.cards.card import ModelCard, load_catalog
from shared.errors import StorageUnavailable
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.setting_groups import JobRules
from shared.specs.parts import Lane
from shared.storage.base import preview_key
from tests.support.images import pictures
from tests.worker.conftest import Bench
from worker.kinds.optimization import divide_steps, scaled, stretched, working_sides
from worker.models.loading import load_model
from worker.models.nst.target import PLACES, LossWeights, StyleTarget
from worker.models.store import ModelStore


@dataclass
class MeanColor:
    """Moves every pixel to the style's mean color, and keeps what it was asked."""

    card: ModelCard = field(default_factory=lambda: load_catalog().get("nst-gatys"))
    digest: str = "mean-color"
    sizes: list[tuple[int, int]] = field(default_factory=list)
    turns: list[int] = field(default_factory=list)
    threads: set[str] = field(default_factory=set)
    before: Callable[[], Any] = lambda: None

    def grams(self, style: np.ndarray) -> tuple[np.ndarray, ...]:
        return (style.reshape(-1, 3).mean(axis=0),)

    def contents(self, content: np.ndarray) -> tuple[tuple[np.ndarray, ...], ...]:
        return ((content,),) * len(PLACES)

    def evaluate(
        self, picture: np.ndarray, target: StyleTarget, *, weights: LossWeights, turn: int
    ) -> tuple[float, np.ndarray]:
        self.before()
        self.sizes.append(picture.shape[:2])
        self.turns.append(turn)
        self.threads.add(threading.current_thread().name)
        to_style, to_content = picture - target.grams[0], picture - target.contents[turn % 4][0]
        loss = weights.style * (to_style**2).sum() + weights.content * (to_content**2).sum()
        gradient = 2 * (weights.style * to_style + weights.content * to_content)
        return float(loss), gradient.astype(np.float32)


@dataclass
class Studio:
    bench: Bench
    files: FileStore
    model: MeanColor

    def upload(self, data: bytes) -> str:
        return self.files.add(ANONYMOUS, data, probe(data, ImageLimits(max_frames=10)))[0].id

    def submit(self, content: bytes, *, styles: list[Any] | None = None, **spec: Any) -> str:
        given = styles or [(pictures.save(Image.new("RGB", (40, 40), (255, 0, 0)), "png"), 1.0)]
        return self.bench.submit(
            type="stylize",
            model="nst-gatys",
            content=self.upload(content),
            styles=[{"image": self.upload(data), "weight": weight} for data, weight in given],
            **spec,
        )

    def paint(self, content: bytes, **spec: Any) -> Job:
        job_id = self.submit(content, **spec)
        self.bench.runner().handle(job_id, Lane.INTERACTIVE)
        return self.bench.job(job_id)

    def pixels(self, job: Job) -> np.ndarray:
        assert job.status is Status.SUCCEEDED, job.error
        return np.asarray(Image.open(io.BytesIO(self.bench.objects.get(job.outputs[0].key))).convert("RGB"))

    def previews(self, job: Job) -> list[int]:
        prefix = preview_key(job.id, job.attempt, 0).removesuffix("0.jpg")
        keys = [key for key in self.bench.objects.keys(prefix)]
        return sorted(int(key.removeprefix(prefix).removesuffix(".jpg")) for key in keys)


@pytest.fixture
def studio(bench: Bench, files: FileStore) -> Studio:
    bench.model = MeanColor()  # type: ignore[assignment]
    return Studio(bench, files, bench.model)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("side", "sides"), [(40, [40]), (191, [191]), (192, [96, 192]), (1024, [128, 256, 512, 1024])]
)
def test_sizes_double_up_to_the_pictures_own(side: int, sides: list[int]) -> None:
    assert working_sides(side) == sides


@pytest.mark.parametrize(("steps", "parts"), [(10, 4), (200, 1), (200, 2), (2000, 4), (11, 3)])
def test_every_size_gets_steps_and_finer_ones_no_more(steps: int, parts: int) -> None:
    shares = divide_steps(steps, parts)
    assert (sum(shares), len(shares)) == (steps, parts)
    assert min(shares) >= 1
    assert all(finer <= coarser + 1 for coarser, finer in itertools.pairwise(shares))


def test_a_picture_is_painted_from_coarse_to_fine(studio: Studio) -> None:
    job = studio.paint(pictures.photo(200, 150), optimize={"steps": 12})
    assert studio.pixels(job).shape == (150, 200, 3)
    assert studio.model.sizes == [(75, 100)] * 8 + [(150, 200)] * 4


def test_the_result_lies_between_the_content_and_the_style(studio: Studio) -> None:
    content = pictures.save(Image.new("RGB", (64, 64), (0, 0, 200)), "png")
    result = studio.pixels(studio.paint(content, optimize={"steps": 100})).mean(axis=(0, 1))
    np.testing.assert_allclose(result, (128, 0, 100), atol=3)


def test_weights_of_the_losses_count(studio: Studio) -> None:
    content = pictures.save(Image.new("RGB", (64, 64), (0, 0, 200)), "png")
    job = studio.paint(content, optimize={"steps": 100, "content_weight": 9})
    np.testing.assert_allclose(studio.pixels(job).mean(axis=(0, 1)), (26, 0, 180), atol=3)


def test_several_styles_are_mixed_by_weight(studio: Studio) -> None:
    red, green = (pictures.save(Image.new("RGB", (40, 40), c), "png") for c in ((255, 0, 0), (0, 255, 0)))
    content = pictures.save(Image.new("RGB", (64, 64), (0, 0, 0)), "png")
    job = studio.paint(content, styles=[(red, 3.0), (green, 1.0)], optimize={"steps": 100})
    np.testing.assert_allclose(studio.pixels(job).mean(axis=(0, 1)), (96, 32, 0), atol=3)


@pytest.mark.parametrize("optimizer", ["adam", "lbfgs"])
def test_the_same_spec_gives_the_same_bytes(studio: Studio, optimizer: str) -> None:
    jobs = [
        studio.paint(pictures.photo(96, 64), optimize={"steps": 10, "optimizer": optimizer}) for _ in "ab"
    ]
    assert jobs[0].outputs[0].sha256 == jobs[1].outputs[0].sha256


def test_adam_looks_from_each_place_in_turn_and_lbfgs_from_one(studio: Studio) -> None:
    studio.paint(pictures.photo(64, 64), optimize={"steps": 10})
    assert studio.model.turns == list(range(10))
    studio.model.turns.clear()
    studio.paint(pictures.photo(64, 64), optimize={"steps": 10, "optimizer": "lbfgs"})
    assert set(studio.model.turns) == {0}


def test_previews_are_small_pictures_of_the_work_so_far(studio: Studio) -> None:
    job = studio.paint(pictures.photo(640, 480), optimize={"steps": 25, "preview_every": 10})
    assert studio.previews(job) == [10, 20]
    last = Image.open(io.BytesIO(studio.bench.objects.get(preview_key(job.id, job.attempt, 20))))
    assert (last.format, last.size) == ("JPEG", (320, 240))


def test_no_previews_are_stored_unless_asked_for(studio: Studio) -> None:
    assert studio.previews(studio.paint(pictures.photo(64, 64), optimize={"steps": 10})) == []


def test_progress_names_steps_and_the_last_preview(studio: Studio) -> None:
    seen = []
    job_id = studio.submit(pictures.photo(64, 64), optimize={"steps": 10, "preview_every": 4})
    studio.model.before = lambda: seen.append(studio.bench.job(job_id).progress)
    studio.bench.runner().handle(job_id, Lane.INTERACTIVE)
    shown = [p for p in seen if p is not None and p.preview]
    assert {(p.step, p.total, p.preview) for p in shown if p.step % 4 == 0} == {
        (4, 10, preview_key(job_id, 1, 4)),
        (8, 10, preview_key(job_id, 1, 8)),
    }


def test_a_preview_that_cannot_be_stored_stops_nothing(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    put = studio.bench.objects.put

    def put_outputs_only(key: str, data: bytes) -> None:
        if "/previews/" in key:
            raise StorageUnavailable("away")
        put(key, data)

    monkeypatch.setattr(studio.bench.objects, "put", put_outputs_only)
    job = studio.paint(pictures.photo(64, 64), optimize={"steps": 10, "preview_every": 2})
    assert job.status is Status.SUCCEEDED


def test_a_canceled_job_stops_at_its_next_step(studio: Studio) -> None:
    job_id = studio.submit(pictures.photo(64, 64), optimize={"steps": 500})

    def cancel_at_the_third() -> None:
        if len(studio.model.turns) == 2:
            studio.bench.store.cancel(job_id, ANONYMOUS)
            for attempt in studio.bench.held.all():
                attempt.note("canceled")

    studio.model.before = cancel_at_the_third
    studio.bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert len(studio.model.turns) == 3
    assert studio.bench.job(job_id).status is Status.CANCELED


def test_a_job_that_would_take_too_long_fails_before_its_worker_is_ended(
    studio: Studio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(studio.bench.store, "rules", JobRules(hard_limit_seconds=1))
    job_id = studio.submit(pictures.photo(64, 64), optimize={"steps": 500})

    def age() -> None:
        for attempt in studio.bench.held.all():
            attempt.started -= 0.5

    studio.model.before = age
    studio.bench.runner().handle(job_id, Lane.INTERACTIVE)
    job = studio.bench.job(job_id)
    assert job.status is Status.FAILED
    assert job.error is not None
    assert job.error["code"] == "time_limit_exceeded"
    assert "ask for fewer steps" in job.error["detail"]


def test_a_runner_is_held_for_one_evaluation_at_a_time(studio: Studio) -> None:
    """Another call that waits when an evaluation begins is served before the next one."""
    order: list[str] = []
    job_id = studio.submit(pictures.photo(64, 64), optimize={"steps": 10})
    runner = studio.bench.runner()
    batcher = runner._resources.batcher
    others: list[threading.Thread] = []

    def join_the_queue() -> None:
        order.append("step")
        if len(order) != 3:
            return
        from worker.execution.batcher import Request

        request = Request(bucket=("other",), payload=None, run=lambda _: [order.append("other")])
        others.append(threading.Thread(target=batcher.call, args=(request,)))
        others[0].start()
        while not batcher._waiting:
            pass

    studio.model.before = join_the_queue
    runner.handle(job_id, Lane.INTERACTIVE)
    others[0].join()
    assert order.index("other") == 3


def test_no_strength_takes_no_steps(studio: Studio) -> None:
    job = studio.paint(pictures.photo(64, 48), optimize={"steps": 10}, strength=0.0)
    assert job.status is Status.SUCCEEDED
    assert not studio.model.turns


def test_a_film_counts_the_steps_of_all_its_frames(studio: Studio) -> None:
    job = studio.paint(
        pictures.gif(3, 40, 40), optimize={"steps": 10, "preview_every": 15}, output={"format": "gif"}
    )
    assert job.status is Status.SUCCEEDED, job.error
    assert studio.model.turns == list(range(30))
    assert studio.previews(job) == [15, 30]


def test_resizing_keeps_floats_within_their_range() -> None:
    picture = np.random.default_rng(1).integers(0, 2, (31, 40, 3)).astype(np.float32)
    small = scaled(picture, 20)
    assert (small.shape, small.dtype) == ((16, 20, 3), np.float32)
    assert 0 <= small.min() < small.max() <= 1
    assert scaled(picture, 99) is picture
    assert stretched(small, 31, 40).shape == picture.shape


@pytest.mark.tensorflow
def test_the_job_and_the_file_say_which_network_was_used(studio: Studio, tmp_path: Path) -> None:
    card, store = load_catalog().get("nst-gatys"), ModelStore(tmp_path / "models")
    store.pull(card)
    studio.bench.model = load_model(card, store)  # type: ignore[assignment]
    job = studio.paint(pictures.photo(64, 48), optimize={"steps": 10, "preview_every": 5})
    assert studio.pixels(job).shape == (48, 64, 3)
    assert job.model_version == "1-mobilenetv2"
    image = Image.open(io.BytesIO(studio.bench.objects.get(job.outputs[0].key)))
    assert image.info["atelier:model"] == "nst-gatys@1-mobilenetv2"
    assert studio.previews(job) == [5, 10]
