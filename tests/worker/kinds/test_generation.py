"""Every verb of a generation job, carried out by a whole worker around a generator that shows its latents."""

import json
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.cards.card import ModelCard, load_catalog
from shared.identifiers import ANONYMOUS
from shared.images.limits import ImageLimits
from shared.jobs.job import Job
from shared.jobs.status import Status
from shared.specs.parts import Lane
from tests.worker.conftest import Bench
from worker.codec.animation import Frame, decode_frames
from worker.codec.decode import decode
from worker.execution.attempt import QUIET_SECONDS
from worker.kinds.generation import CHUNK
from worker.models.generation.latents import latent

LIMITS = ImageLimits(min_side=1, max_frames=300)


@dataclass
class Bars:
    """A generator: left half as bright as the first normal, right half as the class; notes every call."""

    card: ModelCard = field(default_factory=lambda: load_catalog().get("mnist-dcgan"))
    digest: str = "bars"
    calls: list[int] = field(default_factory=list)

    def generate(self, latents: np.ndarray) -> np.ndarray:
        self.calls.append(len(latents))
        pictures = np.empty((len(latents), 28, 28, 1), np.uint8)
        pictures[:, :, :14, 0] = normal_level(latents)[:, None, None]
        pictures[:, :, 14:, 0] = (latents[:, 90:] @ np.arange(0, 250, 25)).astype(np.uint8)[:, None, None]
        return pictures


def normal_level(latents: np.ndarray) -> np.ndarray:
    return np.clip(latents[..., 0] * 40 + 128, 0, 255).astype(np.uint8)


def level(seed: int, truncation: float = 1.0) -> int:
    """Return the brightness of a seed's left half."""
    shape = Bars().card.latent
    assert shape is not None
    return int(normal_level(latent(shape, seed, None, truncation)))


@pytest.fixture
def bars(bench: Bench) -> Bars:
    bench.model = Bars()  # type: ignore[assignment]
    return bench.model  # type: ignore[return-value]


def finished(bench: Bench, **spec: Any) -> Job:
    job_id = bench.submit(**{"seeds": None, **spec})
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    job = bench.job(job_id)
    assert job.status is Status.SUCCEEDED, job.error
    return job


def files(bench: Bench, **spec: Any) -> list[bytes]:
    return [bench.objects.get(output.key) for output in finished(bench, **spec).outputs]


def pixels(data: bytes) -> np.ndarray:
    return decode(data, LIMITS).rgb[:, :, 0]


def frames(data: bytes) -> tuple[Frame, ...]:
    return decode_frames(data, LIMITS)


def text(data: bytes) -> dict[str, str]:
    image = Image.open(BytesIO(data))
    image.load()
    return dict(image.text)  # type: ignore[attr-defined]


def test_explicit_latents_are_drawn_as_they_are(bench: Bench, bars: Bars) -> None:
    vectors = [[0.5] * 90 + [0.0] * 7 + [1.0, 0.0, 0.0], [-1.0] * 90 + [1.0] + [0.0] * 9]
    first, second = files(bench, latents=vectors)
    assert (pixels(first)[0, 0], pixels(first)[0, 27]) == (148, 175)
    assert (pixels(second)[0, 0], pixels(second)[0, 27]) == (88, 0)
    card = load_catalog().get("mnist-dcgan")
    beside = text(first)
    assert "trainedAlgorithmicMedia" in beside.pop("XML:com.adobe.xmp")
    assert beside.keys() == {"atelier:model", "atelier:recipe"}
    assert beside["atelier:model"] == f"{card.name}@{card.version}"
    assert json.loads(beside["atelier:recipe"])["latents"] == [vectors[0]]


def test_truncation_draws_the_pictures_of_seeds_together(bench: Bench, bars: Bars) -> None:
    levels = [int(pixels(data)[0, 0]) for data in files(bench, seeds=[3, 4, 5], truncation=0.25)]
    assert levels == [level(seed, 0.25) for seed in (3, 4, 5)]
    assert max(abs(value - 128) for value in levels) <= 40


def test_the_ends_of_a_walk_are_the_files_of_their_seeds(bench: Bench, bars: Bars) -> None:
    job = finished(bench, interpolate={"seeds": [1, 2, 3], "steps": 4}, digit=6)
    way = [bench.objects.get(output.key) for output in job.outputs]
    assert len(way) == 7
    assert way[::3] == files(bench, seeds=[1, 2, 3], digit=6)
    assert [output.seed for output in job.outputs] == [1, None, None, 2, None, None, 3]
    assert {int(pixels(data)[0, 27]) for data in way} == {150}


def test_a_walk_of_latents_meets_its_points(bench: Bench, bars: Bars) -> None:
    vectors = [[0.5] * 90 + [1.0] + [0.0] * 9, [-1.0] * 90 + [0.0] * 9 + [1.0]]
    way = files(bench, interpolate={"latents": vectors, "steps": 5})
    assert [way[0], way[-1]] == files(bench, latents=vectors)
    assert [int(pixels(data)[0, 27]) for data in way] == [0, 56, 112, 168, 225]


def test_digits_stand_side_by_side_in_one_hand(bench: Bench, bars: Bars) -> None:
    (data,) = files(bench, seeds=[9], digits="305")
    sheet = pixels(data)
    assert sheet.shape == (28, 84)
    assert [int(sheet[0, 28 * index + 27]) for index in range(3)] == [75, 0, 125]
    assert {int(sheet[0, 28 * index]) for index in range(3)} == {level(9)}
    assert text(data)["atelier:digits"] == "305"


def test_a_grid_has_columns_gaps_and_enlarged_pictures(bench: Bench, bars: Bars) -> None:
    job = finished(
        bench, seeds=[1, 2, 3, 4, 5], digit=9, grid={"columns": 3, "gap": 5}, upscale={"factor": 2}
    )
    (output,) = job.outputs
    data = bench.objects.get(output.key)
    sheet = pixels(data)
    assert (output.width, output.height, sheet.shape) == (178, 117, (117, 178))
    assert [int(sheet[61, 61 * column]) for column in range(3)] == [level(4), level(5), 0]
    assert sheet[56:61].max() == 0
    assert text(data)["atelier:seeds"] == "1,2,3,4,5"


@pytest.mark.parametrize("image_format", ["gif", "webp"])
def test_an_animation_shows_every_picture_for_its_time(bench: Bench, bars: Bars, image_format: str) -> None:
    job = finished(
        bench,
        interpolate={"seeds": [1, 2], "steps": 6},
        animation={"frame_milliseconds": 120, "loop": False},
        output={"format": image_format},
        upscale={"factor": 2},
    )
    (output,) = job.outputs
    shown = frames(bench.objects.get(output.key))
    assert (output.media_type, output.width, output.height) == (f"image/{image_format}", 56, 56)
    assert [frame.milliseconds for frame in shown] == [120] * 6
    assert abs(int(shown[0].rgb[20, 10, 0]) - level(1)) <= (0 if image_format == "gif" else 4)
    assert abs(int(shown[-1].rgb[20, 10, 0]) - level(2)) <= (0 if image_format == "gif" else 4)


def test_an_animation_of_digits_moves_from_hand_to_hand(bench: Bench, bars: Bars) -> None:
    (data,) = files(
        bench,
        interpolate={"seeds": [1, 2], "steps": 3},
        digits="42",
        animation={},
        output={"format": "gif"},
    )
    shown = frames(data)
    assert [frame.rgb.shape for frame in shown] == [(28, 56, 3)] * 3
    assert [[int(frame.rgb[0, at, 0]) for at in (27, 55)] for frame in shown] == [[100, 50]] * 3


@pytest.mark.parametrize("scale", ["nearest", "lanczos"])
def test_pictures_are_enlarged_by_a_whole_factor(bench: Bench, bars: Bars, scale: str) -> None:
    small, large = (
        pixels(files(bench, seeds=[1], digit=9, upscale={"factor": factor, "filter": scale})[0])
        for factor in (1, 4)
    )
    assert large.shape == (112, 112)
    blocks = small.repeat(4, axis=0).repeat(4, axis=1)
    assert np.array_equal(large, blocks) == (scale == "nearest")
    assert np.abs(large.astype(int) - blocks)[:, [0, 40, 80, 111]].max() <= 2


def test_a_small_job_needs_one_call(bench: Bench, bars: Bars) -> None:
    finished(bench, count=CHUNK)
    assert bars.calls == [CHUNK]


def test_a_large_job_comes_in_chunks(bench: Bench, bars: Bars) -> None:
    job = finished(bench, seed=1, count=150)
    assert bars.calls == [64, 64, 22]
    assert [output.seed for output in job.outputs] == list(range(1, 151))


def test_a_slow_network_that_takes_one_latent_at_a_time_has_small_chunks(bench: Bench, bars: Bars) -> None:
    bars.card = bars.card.model_copy(update={"max_batch": 1})
    finished(bench, seed=1, count=9)
    assert bars.calls == [4, 4, 1]


def test_a_canceled_job_stops_between_chunks(bench: Bench, bars: Bars) -> None:
    job_id = bench.submit(seeds=None, count=256)
    drawn = bars.generate

    def cancel_at_the_second(latents: np.ndarray) -> np.ndarray:
        if len(bars.calls) == 1:
            bench.store.cancel(job_id, ANONYMOUS)
            for attempt in bench.held.all():  # what the heartbeat would learn and note
                attempt.note("canceled")
        return drawn(latents)

    bars.generate = cancel_at_the_second  # type: ignore[method-assign]
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert bench.job(job_id).status is Status.CANCELED
    assert bars.calls == [64, 64]
    assert list(bench.objects.keys(f"outputs/{job_id}/")) == []


def test_progress_counts_latents(bench: Bench, bars: Bars, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("worker.execution.attempt.REPORT_EVERY_SECONDS", 0.0)
    monkeypatch.setitem(QUIET_SECONDS, Lane.INTERACTIVE, 0)
    seen = []
    drawn = bars.generate

    def look(latents: np.ndarray) -> np.ndarray:
        progress = bench.job(job_id).progress
        seen.append((progress.stage, progress.step, progress.total))
        return drawn(latents)

    bars.generate = look  # type: ignore[method-assign]
    job_id = bench.submit(seeds=None, count=40, digits="2026")
    bench.runner().handle(job_id, Lane.INTERACTIVE)
    assert seen[1:] == [("predict", 64, 160), ("predict", 128, 160)]


def test_a_spec_is_told_to_the_letter_by_its_record(bench: Bench, bars: Bars) -> None:
    """The resolved spec in the record, submitted again, gives the same files."""
    job = finished(bench, count=3, digits="17", upscale={"factor": 2})
    again = {key: value for key, value in json.loads(job.spec.model_dump_json()).items() if value is not None}
    second = finished(bench, **again)
    assert [output.sha256 for output in second.outputs] == [output.sha256 for output in job.outputs]
