"""A run of the stylizer's training, from pictures to a card by which a job is painted."""

import errno
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner
from PIL import Image

from atelier.cli import main
from shared.cards.card import ModelCard, load_catalog
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
from worker.models.loading import load_model
from worker.models.registry import ModelRegistry
from worker.models.sources import changed_source
from worker.models.store import ModelStore
from worker.models.style_network.weights import read_transformer
from worker.models.stylization.trained import RECORD_FILE, write_stylizer
from worker.training.config import StepReport, TrainingStopped
from worker.training.stylizer.config import StylizerConfig

FACTS = ("style", "style_sha256", "photos", "data", "features", "hyperparameters", "losses")

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


@pytest.fixture(scope="module")
def reports() -> list[StepReport]:
    return []


@pytest.fixture(scope="module")
def whole(config: StylizerConfig, model_store: ModelStore, reports: list[StepReport]) -> Any:
    """A run that nothing interrupted."""
    return train(config, model_store, on_progress=reports.append)


@pytest.fixture
def again(whole: Any, config: StylizerConfig, tmp_path: Path) -> StylizerConfig:
    """The settings of a copy of that run, which may be changed."""
    shutil.copytree(whole.folder, tmp_path / "run")
    return replace(config, out=tmp_path / "run", resume=True)


@pytest.fixture
def published(whole: Any, model_store: ModelStore, tmp_path: Path) -> ModelCard:
    from worker.training.stylizer.publish import publish

    cards = tmp_path / "cards"
    return publish(whole, "wave", license="CC0-1.0", store=model_store, cards=cards)


def test_a_run_leaves_weights_a_record_metrics_samples_and_a_plot(
    whole: Any, config: StylizerConfig, reports: list[StepReport]
) -> None:
    assert [report.step for report in reports] == [1, 2, 3, 4]
    assert whole.weights.is_file()
    record = whole.record
    assert (record.style, record.photos, record.features) == ("Great Wave.png", 3, "nst-gatys 1-mobilenetv2")
    assert set(record.losses) == {"total_loss", "style_loss", "content_loss", "variation_loss"}
    drawn = [report.samples for report in reports if report.samples]
    assert [path.name for path in drawn] == ["00000003.png", "00000004.png"]
    with Image.open(drawn[0]) as sheet:
        assert sheet.size == (3 * 66 - 2, 2 * 66 - 2)
    assert len((config.out / "metrics.jsonl").read_text().splitlines()) == 4
    assert (config.out / "metrics.png").stat().st_size > 0


def test_a_run_that_lost_its_power_and_was_stopped_ends_with_the_same_bytes(
    whole: Any, config: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    cut = replace(config, out=tmp_path / "cut", sample_every=0)
    with pytest.raises(Stopped):
        train(cut, model_store, on_progress=stop_after(3))
    steps: list[int] = []

    def note(report: StepReport) -> None:
        steps.append(report.step)

    resume = replace(cut, resume=True)
    with pytest.raises(TrainingStopped):
        train(resume, model_store, on_progress=note, is_stopping=lambda: steps[-1] == 3)
    resumed = train(resume, model_store, on_progress=note)
    assert steps == [3, 4]
    assert resumed.weights.read_bytes() == whole.weights.read_bytes()


def test_a_run_is_resumed_with_nothing_else(
    again: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    with pytest.raises(InvalidRequest, match="start without --resume"):
        train(replace(again, out=tmp_path / "other"), model_store)
    with pytest.raises(InvalidRequest, match="holds a run"):
        train(replace(again, resume=False), model_store)
    with pytest.raises(InvalidRequest, match="another style_weight"):
        train(replace(again, style_weight=2.0), model_store)
    photos = tmp_path / "photos"
    shutil.copytree(again.photos, photos)
    (photos / "chelsea.png").unlink()
    with pytest.raises(InvalidRequest, match="another data"):
        train(replace(again, photos=photos), model_store)


def test_features_that_were_not_pulled_are_named(
    config: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    with pytest.raises(ModelUnavailable, match="atelier models pull nst-gatys-vgg19"):
        train(replace(config, out=tmp_path / "vgg", features="vgg19"), model_store)


def test_a_full_disk_is_named_and_the_run_goes_on_when_there_is_room(
    whole: Any, config: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    with SmallDisk(tmp_path / "disk", mebibytes=4) as disk:
        full = replace(config, out=disk.folder / "run", sample_every=0)

        def fill(report: StepReport) -> None:
            if report.step == 3:
                disk.fill()

        with pytest.raises(OSError, match="No space left") as caught:
            train(full, model_store, on_progress=fill)
        assert (caught.value.errno, caught.value.filename is None) == (errno.ENOSPC, False)
        disk.empty()
        resumed = train(replace(full, resume=True), model_store)
        assert resumed.weights.read_bytes() == whole.weights.read_bytes()


def test_a_trained_card_paints_a_job(
    whole: Any,
    published: ModelCard,
    model_store: ModelStore,
    tmp_path: Path,
    bench: Bench,
    files: FileStore,
) -> None:
    catalog = load_catalog(tmp_path / "cards")
    assert catalog.get("wave", "stylize") == published
    assert (published.version, published.license) == (whole.record.sha256[:12], "CC0-1.0")
    assert published.builtin_styles == ("Great Wave",)
    assert "Great Wave.png" in published.description
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


def test_the_command_goes_on_with_a_run_and_tells_what_it_made(
    whole: Any,
    again: StylizerConfig,
    model_store: ModelStore,
    tmp_path: Path,
) -> None:
    places = {"ATELIER_MODELS_DIR": str(model_store._root), "ATELIER_CARDS_DIR": str(tmp_path / "cards")}
    (again.photos / "torn.jpg").write_bytes(b"\xff\xd8\xff\xe0 and no more")
    given = ["--style", again.style, "--photos", again.photos, "--out", again.out, "--name", "Great Wave"]
    how = ["--steps", 4, "--batch-size", 2, "--size", 64, "--width", 4, "--seed", 7, "--resume", "--json"]
    answer = CliRunner(env=places).invoke(main, ["train", "stylizer", *map(str, (*given, *how))])
    (again.photos / "torn.jpg").unlink()
    assert answer.exit_code == 0, answer.output
    version = whole.record.sha256[:12]
    weights = str(again.out / "transformer.npz")
    assert json.loads(answer.stdout) == {"name": "great-wave", "version": version, "weights": weights}
    assert f"{again.photos / 'torn.jpg'} is left out: " in answer.stderr
    assert load_catalog(tmp_path / "cards").get("great-wave", "stylize").version == version


def test_large_pictures_are_painted_in_strips_with_the_same_result(
    published: ModelCard, model_store: ModelStore
) -> None:
    model: Any = load_model(published, model_store)
    content, style = pictures.gradient(120, 100), model.prepare_builtin(0)
    strips = model.paint_large(content, style, lambda done, total: None)
    whole = model.stylize(np.divide(content, 255, dtype=np.float32), style) * 255
    assert np.abs(strips - whole).mean() < 0.6


def test_a_run_that_was_trained_on_does_not_pass_for_the_published_one(
    whole: Any, again: StylizerConfig, model_store: ModelStore, tmp_path: Path
) -> None:
    from worker.training.stylizer.publish import publish

    copy = replace(whole, folder=again.out)
    card = publish(copy, "copy", license="x", store=model_store, cards=tmp_path / "cards")
    stored = model_store.find(card)
    assert stored is not None
    assert changed_source(card, stored) is None
    facts = {name: getattr(whole.record, name) for name in FACTS}
    weights = read_transformer(again.out)
    assert weights is not None
    write_stylizer(again.out, replace(weights, residual=weights.residual[:4]), **facts)
    changed = changed_source(card, stored)
    assert changed is not None
    assert changed.parent == again.out
    with pytest.raises(ModelCorrupt, match="holds weights of sha256"):
        ModelStore(tmp_path / "empty").pull(card)
    (again.out / RECORD_FILE).write_text("{")
    with pytest.raises(ModelCorrupt, match="is not a record of weights"):
        ModelStore(tmp_path / "empty").pull(card)
    (again.out / RECORD_FILE).unlink()
    with pytest.raises(ModelUnavailable, match="a file of the model is missing"):
        ModelStore(tmp_path / "empty").pull(card)
