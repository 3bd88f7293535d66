from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from shared.errors import InvalidRequest
from worker.models.generation.dcgan import Architecture, read_weights
from worker.training.config import StepReport, TrainingConfig, TrainingStopped

pytestmark = [pytest.mark.tensorflow, pytest.mark.slow]


class Stopped(Exception):
    """Stands for a power cut."""


@pytest.fixture
def config(mnist_file: Path, tmp_path: Path) -> TrainingConfig:
    return TrainingConfig(
        data=str(mnist_file),
        out=tmp_path / "run",
        steps=7,
        batch_size=8,
        seed=11,
        checkpoint_every=3,
        sample_every=4,
        metrics_every=2,
        check_every=2,
    )


def stop_after(step: int) -> Callable[[StepReport], None]:
    def on_progress(progress: StepReport) -> None:
        if progress.step == step:
            raise Stopped

    return on_progress


def test_a_run_that_is_asked_to_stop_saves_its_step_and_ends_with_the_same_weights(
    config: TrainingConfig,
) -> None:
    from worker.training.run import train

    other = replace(config, out=config.out.with_name("whole"))
    whole = read_weights(train(other, on_progress=lambda _: None).weights.parent)
    reports: list[int] = []
    with pytest.raises(TrainingStopped) as caught:
        train(
            config, on_progress=lambda news: reports.append(news.step), is_stopping=lambda: len(reports) == 5
        )
    assert (caught.value.step, reports) == (5, [1, 2, 3, 4, 5])
    resumed = train(replace(config, resume=True), on_progress=lambda news: reports.append(news.step))
    assert reports == [1, 2, 3, 4, 5, 6, 7]
    for mine, wanted in zip(read_weights(resumed.weights.parent)[1], whole[1], strict=True):
        np.testing.assert_array_equal(mine, wanted)


def test_a_run_leaves_weights_metrics_samples_and_reports_each_step(config: TrainingConfig) -> None:
    from worker.training.run import train

    reports: list[StepReport] = []
    trained = train(config, on_progress=reports.append)
    record, weights = read_weights(trained.weights.parent)
    assert (record.steps, record.seed, len(weights)) == (trained.stopping.best_step, 11, 8)
    assert (trained.architecture, trained.classes) == (Architecture(28, 1, 10), tuple("0123456789"))
    qualities = {report.step: report.quality for report in reports if report.quality is not None}
    assert list(qualities) == [2, 4, 6, 7]
    assert min(qualities.values()) == trained.stopping.best_quality
    assert [report.step for report in reports] == [1, 2, 3, 4, 5, 6, 7]
    drawn = [report.samples for report in reports if report.samples]
    assert drawn == [config.out / "samples" / "00000004.png", config.out / "samples" / "00000007.png"]
    with Image.open(drawn[0]) as grid:
        assert grid.size == (302, 302)
    assert len((config.out / "metrics.jsonl").read_text().splitlines()) == 4
    assert (config.out / "metrics.png").stat().st_size > 0


def test_a_stopped_and_resumed_run_ends_as_one_that_was_not(config: TrainingConfig, tmp_path: Path) -> None:
    from worker.training.run import train

    whole = train(config, on_progress=lambda _: None)
    broken = replace(config, out=tmp_path / "broken")
    with pytest.raises(Stopped):
        train(broken, on_progress=stop_after(5))
    resumed: list[StepReport] = []
    again = train(replace(broken, resume=True), on_progress=resumed.append)
    assert resumed[0].step == 4
    assert again.weights.read_bytes() == whole.weights.read_bytes()
    assert again.stopping == whole.stopping


def test_a_folder_with_a_run_is_not_overwritten(config: TrainingConfig) -> None:
    from worker.training.run import train

    with pytest.raises(Stopped):
        train(config, on_progress=stop_after(3))
    with pytest.raises(InvalidRequest, match="holds a run"):
        train(config, on_progress=lambda _: None)
    with pytest.raises(InvalidRequest, match="another seed"):
        train(replace(config, resume=True, seed=12), on_progress=lambda _: None)


def test_without_checks_the_last_step_counts(config: TrainingConfig) -> None:
    from worker.training.run import train

    trained = train(replace(config, check_every=0, steps=3), on_progress=lambda _: None)
    assert read_weights(trained.weights.parent)[0].steps == 3
    assert trained.stopping.best_quality is None


def test_color_pictures_without_classes_are_learned_too(config: TrainingConfig, image_folder: Path) -> None:
    from worker.training.run import train

    flat = replace(config, data=str(image_folder / "cat"), size=16, batch_size=2, steps=3)
    trained = train(flat, on_progress=lambda _: None)
    assert (trained.architecture, trained.classes) == (Architecture(16, 3, 0), ())


def test_data_of_a_size_that_no_generator_has_is_refused(config: TrainingConfig, tmp_path: Path) -> None:
    from worker.training.run import train

    np.savez(tmp_path / "odd.npz", x=np.zeros((8, 30, 30), np.uint8))
    with pytest.raises(InvalidRequest, match="size must be a multiple of 4"):
        train(replace(config, data=str(tmp_path / "odd.npz")), on_progress=lambda _: None)
