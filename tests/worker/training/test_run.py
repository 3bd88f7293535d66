from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from shared.errors import InvalidRequest
from worker.models.dcgan_weights import read_weights
from worker.training.config import Progress, TrainingConfig

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
    )


def stop_after(step: int) -> Callable[[Progress], None]:
    def on_progress(progress: Progress) -> None:
        if progress.step == step:
            raise Stopped

    return on_progress


def test_a_run_leaves_weights_metrics_samples_and_reports_each_step(config: TrainingConfig) -> None:
    from worker.training.run import train

    reports: list[Progress] = []
    path = train(config, on_progress=reports.append)
    record, weights = read_weights(path.parent)
    assert (record.steps, record.seed, len(weights)) == (7, 11, 8)
    assert [report.step for report in reports] == [1, 2, 3, 4, 5, 6, 7]
    drawn = [report.samples for report in reports if report.samples]
    assert drawn == [config.out / "samples" / "00000004.png", config.out / "samples" / "00000007.png"]
    with Image.open(drawn[0]) as grid:
        assert grid.size == (302, 302)
    assert len((config.out / "metrics.jsonl").read_text().splitlines()) == 4


def test_a_stopped_and_resumed_run_ends_as_one_that_was_not(config: TrainingConfig, tmp_path: Path) -> None:
    from worker.training.run import train

    whole = train(config, on_progress=lambda _: None)
    broken = replace(config, out=tmp_path / "broken", resume=True)
    with pytest.raises(Stopped):
        train(broken, on_progress=stop_after(5))
    resumed: list[Progress] = []
    again = train(broken, on_progress=resumed.append)
    assert resumed[0].step == 4
    assert again.read_bytes() == whole.read_bytes()


def test_a_folder_with_a_run_is_not_overwritten(config: TrainingConfig) -> None:
    from worker.training.run import train

    with pytest.raises(Stopped):
        train(config, on_progress=stop_after(3))
    with pytest.raises(InvalidRequest, match="holds a run"):
        train(config, on_progress=lambda _: None)
    with pytest.raises(InvalidRequest, match="another seed"):
        train(replace(config, resume=True, seed=12), on_progress=lambda _: None)
