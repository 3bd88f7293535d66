"""A run of the stylizer's training, from pictures to a card by which a job is painted."""

import errno
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from shared.cards.card import load_catalog
from shared.cards.parts import TrainedSource
from shared.errors import InvalidRequest, ModelCorrupt, ModelUnavailable
from shared.files.file_store import FileStore
from shared.identifiers import ANONYMOUS, new_job_id
from shared.images.limits import ImageLimits
from shared.images.probe import probe
from shared.jobs.status import Status
from shared.jobs.submission import Submission
from shared.specs.parts import Lane
from shared.specs.spec import JOB_SPEC, resolve
from tests.support.images import pictures
from tests.support.small_disk import SmallDisk
from tests.worker.conftest import Bench
from worker.codec.decode import decode
from worker.models.registry import ModelRegistry
from worker.models.sources import changed_source
from worker.models.store import ModelStore
from worker.training.config import StepReport, TrainingStopped
from worker.training.stylizer.config import StylizerConfig

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


class Stopped(Exception):
    """Stands for a power cut."""


def train(config: StylizerConfig, store: ModelStore, **how: Any) -> Any:
    from worker.training.stylizer.run import train

    given = {"on_progress": lambda _: None, "on_skip": lambda path, why: None, **how}
    return train(config, store=store, **given)


def stop_after(step: int) -> Callable[[StepReport], None]:
    def on_progress(report: StepReport) -> None:
        if report.step == step:
            raise Stopped

    return on_progress


def test_a_run_leaves_weights_a_record_metrics_samples_and_a_plot(
    config: StylizerConfig, model_store: ModelStore
) -> None:
    reports: list[StepReport] = []
    trained = train(config, model_store, on_progress=reports.append)
    assert [report.step for report in reports] == [1, 2, 3, 4, 5]
    assert trained.weights.is_file()
    record = trained.record
    assert (record.style, record.photos, record.features) == ("Great Wave.png", 3, "nst-gatys 1-mobilenetv2")
    assert set(record.losses) == {"total_loss", "style_loss", "content_loss", "variation_loss"}
    drawn = [report.samples for report in reports if report.samples]
    assert [path.name for path in drawn] == ["00000003.png", "00000005.png"]
    with Image.open(drawn[0]) as sheet:
        assert sheet.size == (3 * 66 - 2, 2 * 66 - 2)
    assert len((config.out / "metrics.jsonl").read_text().splitlines()) == 5
    assert (config.out / "metrics.png").stat().st_size > 0


def test_a_stopped_and_resumed_run_ends_with_the_same_bytes(
    config: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    whole = train(config, model_store).weights.read_bytes()
    cut, asked = (replace(config, out=tmp_path / name) for name in ("cut", "asked"))
    with pytest.raises(Stopped):
        train(cut, model_store, on_progress=stop_after(3))
    steps: list[int] = []
    resumed = train(
        replace(cut, resume=True), model_store, on_progress=lambda report: steps.append(report.step)
    )
    assert (steps, resumed.weights.read_bytes() == whole) == ([3, 4, 5], True)
    steps.clear()
    with pytest.raises(TrainingStopped):
        train(
            asked,
            model_store,
            on_progress=lambda report: steps.append(report.step),
            is_stopping=lambda: len(steps) == 1,
        )
    resumed = train(
        replace(asked, resume=True), model_store, on_progress=lambda report: steps.append(report.step)
    )
    assert (steps, resumed.weights.read_bytes() == whole) == ([1, 2, 3, 4, 5], True)


def test_a_run_is_resumed_with_nothing_else(
    config: StylizerConfig, model_store: ModelStore, photos: Path
) -> None:
    with pytest.raises(InvalidRequest, match="start without --resume"):
        train(replace(config, resume=True), model_store)
    with pytest.raises(Stopped):
        train(config, model_store, on_progress=stop_after(2))
    with pytest.raises(InvalidRequest, match="holds a run"):
        train(config, model_store)
    with pytest.raises(InvalidRequest, match="another style_weight"):
        train(replace(config, resume=True, style_weight=2.0), model_store)
    (photos / "chelsea.png").unlink()
    with pytest.raises(InvalidRequest, match="another data"):
        train(replace(config, resume=True), model_store)


def test_features_that_were_not_pulled_are_named(config: StylizerConfig, model_store: ModelStore) -> None:
    with pytest.raises(ModelUnavailable, match="atelier models pull nst-gatys-vgg19"):
        train(replace(config, features="vgg19"), model_store)


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(
    config: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    whole = train(config, model_store).weights.read_bytes()
    with SmallDisk(tmp_path / "disk", mebibytes=4) as disk:
        full = replace(config, out=disk.folder / "run")

        def fill(report: StepReport) -> None:
            if report.step == 3:
                disk.fill()

        with pytest.raises(OSError, match="No space left") as caught:
            train(full, model_store, on_progress=fill)
        assert (caught.value.errno, caught.value.filename is None) == (errno.ENOSPC, False)
        disk.empty()
        assert train(replace(full, resume=True), model_store).weights.read_bytes() == whole


def test_a_trained_card_paints_a_job(
    config: StylizerConfig, model_store: ModelStore, tmp_path: Path, bench: Bench, files: FileStore
) -> None:
    from worker.training.stylizer.publish import publish

    trained, cards = train(config, model_store), tmp_path / "cards"
    card = publish(trained, "wave", license="CC0-1.0", store=model_store, cards=cards)
    catalog = load_catalog(cards)
    assert catalog.get("wave", "stylize") == card
    assert (card.version, card.license) == (trained.record.sha256[:12], "CC0-1.0")
    assert card.builtin_styles == ("Great Wave",)
    assert "Great Wave.png" in card.description
    data = pictures.photo(60, 44)
    content = files.add(ANONYMOUS, data, probe(data, ImageLimits()))[0].id
    asked = {"type": "stylize", "model": "wave", "content": content, "styles": [{"number": 0}]}
    spec = resolve(JOB_SPEC.validate_python(asked), catalog)
    job = bench.store.submit(Submission(new_job_id(), ANONYMOUS, spec, "f")).id
    bench.model = ModelRegistry(catalog, model_store).get("wave")  # type: ignore[assignment]
    bench.runner().handle(job, Lane.INTERACTIVE)
    done = bench.job(job)
    assert done.status is Status.SUCCEEDED, done.error
    painted = decode(bench.objects.get(done.outputs[0].key), ImageLimits()).rgb
    assert (painted.shape, np.ptp(painted) > 20) == ((44, 60, 3), True)


def test_large_pictures_are_painted_in_strips_with_the_same_result(
    config: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    from worker.training.stylizer.publish import publish

    card = publish(
        train(config, model_store), "wave", license="x", store=model_store, cards=tmp_path / "cards"
    )
    model: Any = ModelRegistry(load_catalog(tmp_path / "cards"), model_store).get(card.name)
    content, style = pictures.gradient(120, 100), model.prepare_builtin(0)
    strips = model.paint_large(content, style, lambda done, total: None)
    whole = model.stylize(np.divide(content, 255, dtype=np.float32), style) * 255
    assert np.abs(strips - whole).mean() < 0.6


def test_a_run_that_was_trained_on_does_not_pass_for_the_published_one(
    config: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    from worker.training.stylizer.publish import publish

    card = publish(
        train(config, model_store), "wave", license="x", store=model_store, cards=tmp_path / "cards"
    )
    assert isinstance(card.source, TrainedSource)
    stored = model_store.find(card)
    assert stored is not None
    assert changed_source(card, stored) is None
    train(replace(config, out=tmp_path / "other", seed=8), model_store)
    for name in ("transformer.npz", "stylizer.json"):
        (config.out / name).write_bytes((tmp_path / "other" / name).read_bytes())
    changed = changed_source(card, stored)
    assert changed is not None
    assert changed.parent == config.out
    with pytest.raises(ModelCorrupt, match="holds weights of sha256"):
        ModelStore(tmp_path / "empty").pull(card)
