"""`upsample: network`: a network brings small paintings to their size, through a worker's whole pipeline."""

import json
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.images.recipe import recipe_in
from shared.jobs.job import Job, Progress
from shared.jobs.status import Status
from shared.specs.parts import Lane
from tests.support.images import pictures
from tests.worker.kinds.test_enlargement import STEPS, Atelier
from tests.worker.kinds.test_enlargement import atelier as atelier  # a fixture
from tests.worker.kinds.test_stylization import plain
from worker.execution.attempt import QUIET_SECONDS

COLOR = (200, 40, 0)
PHOTO = (128, 96)  # pixels; painted at half of that


def painted(atelier: Atelier, content: bytes = b"", **fields: Any) -> Job:
    styles = [{"image": atelier.upload(plain(COLOR))}]
    asked = {"stroke": 64, "upsample": "network", **fields}
    content = content or pictures.photo(*PHOTO)
    return atelier.run(type="stylize", content=atelier.upload(content), styles=styles, **asked)


def pixels(atelier: Atelier, job: Job) -> np.ndarray:
    return np.asarray(atelier.image(job).convert("RGB"))


def shapes(atelier: Atelier, name: str = "enlarge-x4") -> list[tuple[int, ...]]:
    return atelier.enlargers[name].shapes


def test_the_painting_is_brought_to_its_size_by_the_network_alone(atelier: Atelier) -> None:
    job = painted(atelier)
    assert (pixels(atelier, job) == COLOR).all()  # the other way would add the detail of the content
    assert atelier.image(job).size == PHOTO
    assert shapes(atelier) == [(48, 64, 3)]
    assert atelier.image(job).info["atelier:upsampler"] == "enlarge-x4@1"
    assert (job.timings["upsample"] >= 0, job.warnings) == (True, ())
    assert json.loads(recipe_in(atelier.bench.objects.get(job.outputs[0].key)))["upsample"] == "network"


def test_guided_is_what_happens_without_a_word(atelier: Atelier) -> None:
    files = [painted(atelier, upsample=way).outputs[0].sha256 for way in (None, "guided")]
    assert files[0] == files[1] != painted(atelier).outputs[0].sha256
    assert shapes(atelier) == [(48, 64, 3)]


@pytest.mark.parametrize(
    "fields", [{"stroke": "native"}, {"stroke": 128}, {"size": {"max_side": 64}}, {"strength": 0}]
)
def test_where_there_is_nothing_to_do_the_job_says_so(atelier: Atelier, fields: dict[str, Any]) -> None:
    job = painted(atelier, **fields)
    assert (job.warnings, shapes(atelier)) == (("not_upsampled",), [])
    guided = painted(atelier, **fields, upsample=None)
    np.testing.assert_array_equal(pixels(atelier, job), pixels(atelier, guided))
    assert "atelier:upsampler" not in atelier.image(job).info


def test_strength_colors_and_mask_come_after_it(atelier: Atelier) -> None:
    photo = pictures.photo(*PHOTO)
    mask = Image.new("L", PHOTO)
    mask.paste(255, (PHOTO[0] // 2, 0, *PHOTO))
    job = painted(atelier, photo, strength=0.5, mask=atelier.upload(pictures.save(mask, "png")))
    before, made = pixels(atelier, painted(atelier, photo, strength=0)), pixels(atelier, job)
    np.testing.assert_array_equal(made[:, :60], before[:, :60])
    expected = (before[:, 68:].astype(int) + COLOR) / 2
    assert np.abs(made[:, 68:] - expected).max() <= 1
    kept = pixels(atelier, painted(atelier, photo, preserve_color=True)).astype(int)
    shift = (kept - before)[(kept > 0).all(2) & (kept < 255).all(2)]
    assert len(shift)
    assert np.abs(shift - shift[:, :1]).max() <= 1  # brightness alone changed


def test_transparency_is_that_of_the_content(atelier: Atelier) -> None:
    content = pictures.save(half_seen(), "png")
    image = atelier.image(painted(atelier, content))
    assert np.asarray(image.getchannel("A")).tolist() == np.asarray(half_seen().getchannel("A")).tolist()


def half_seen() -> Image.Image:
    image = Image.new("RGBA", PHOTO, (10, 200, 30, 255))
    image.paste((0, 0, 0, 0), (0, 0, 64, 96))
    return image


def test_every_frame_of_an_animation_is_brought_to_its_size(atelier: Atelier) -> None:
    job = painted(atelier, pictures.gif(3, *PHOTO), output={"format": "gif"})
    image = atelier.image(job)
    assert (image.size, getattr(image, "n_frames", 1)) == (PHOTO, 3)
    assert shapes(atelier) == [(48, 64, 3)] * 3


def test_the_finished_picture_may_be_enlarged_as_well(atelier: Atelier) -> None:
    image = atelier.image(painted(atelier, output={"enlarge": 2}))
    assert image.size == (256, 192)
    assert (shapes(atelier), shapes(atelier, "enlarge-x2")) == ([(48, 64, 3)], [(96, 128, 3)])
    named = {name: image.info[f"atelier:{name}"] for name in ("upsampler", "enlarger")}
    assert named == {"upsampler": "enlarge-x4@1", "enlarger": "enlarge-x2@1"}


def test_progress_grows_through_all_stages(atelier: Atelier, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[Progress] = []
    monkeypatch.setattr("worker.execution.attempt.REPORT_EVERY_SECONDS", 0)
    monkeypatch.setitem(QUIET_SECONDS, Lane.INTERACTIVE, 0)
    monkeypatch.setattr(
        type(atelier.bench.store), "report", lambda self, job_id, attempt, progress: told.append(progress)
    )
    painted(atelier, pictures.gif(2, *PHOTO), output={"format": "gif", "enlarge": 2})
    fractions = [progress.fraction for progress in told]
    assert fractions == sorted(fractions)
    steps = [(progress.step, progress.total) for progress in told if progress.stage == "upsample"]
    assert steps[1:] == [(step, 2 * STEPS) for step in range(1, 2 * STEPS + 1)]
    stages = list(dict.fromkeys(progress.stage for progress in told))
    assert stages == ["load", "preprocess", "predict", "upsample", "enlarge", "encode", "store"]


def test_a_job_that_is_canceled_meanwhile_ends(atelier: Atelier) -> None:
    seen: list[int] = []

    def cancel() -> None:
        seen.append(1)
        for attempt in atelier.bench.held.all():
            attempt.note("canceled")

    atelier.enlargers["enlarge-x4"].before = cancel
    job = painted(atelier)
    assert (len(seen), job.status is Status.SUCCEEDED, job.outputs) == (1, False, ())


def test_a_worker_without_the_network_leaves_the_job_to_others(atelier: Atelier) -> None:
    del atelier.enlargers["enlarge-x4"]
    job = painted(atelier)
    assert (job.status, job.history[-1].code, job.failures) == (Status.QUEUED, "model_unavailable", 0)
