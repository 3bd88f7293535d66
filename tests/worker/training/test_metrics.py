import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from worker.training import metrics
from worker.training.config import Losses, StepReport
from worker.training.metrics import MetricsLog, draw_plot

LOSSES = Losses(generator=0.7, discriminator=1.4, real_score=0.5, fake_score=0.4)


def steps_in(path: Path) -> list[int]:
    return [json.loads(line)["step"] for line in path.read_text().splitlines()]


def test_each_report_is_a_json_line(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    MetricsLog(path, step=0).append(StepReport(20, 100, LOSSES, 1.23456))
    assert json.loads(path.read_text()) == {
        "step": 20,
        "generator_loss": 0.7,
        "discriminator_loss": 1.4,
        "real_score": 0.5,
        "fake_score": 0.4,
        "seconds": 1.235,
    }


def test_a_check_of_quality_is_in_its_line_alone(tmp_path: Path) -> None:
    log = MetricsLog(tmp_path / "metrics.jsonl", step=0)
    log.append(StepReport(20, 100, LOSSES, 1.0, quality=0.5))
    log.append(StepReport(40, 100, LOSSES, 2.0))
    assert [line.get("quality") for line in log.read()] == [0.5, None]


def test_a_resumed_run_forgets_what_it_will_do_again(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    log = MetricsLog(path, step=0)
    for step in (10, 20, 30):
        log.append(StepReport(step, 100, LOSSES, 1.0))
    with path.open("a") as file:
        file.write('{"step": 4')  # the power failed here
    MetricsLog(path, step=20).append(StepReport(30, 100, LOSSES, 2.0))
    assert steps_in(path) == [10, 20, 30]


def pixels_of(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        return np.asarray(image)


def test_a_curve_is_drawn_from_left_to_right(tmp_path: Path) -> None:
    names = ("generator_loss", "discriminator_loss", "real_score", "fake_score")
    lines = [{"step": step, **dict.fromkeys(names, 1.0 + step / 100)} for step in range(20, 1000, 20)]
    draw_plot(lines, tmp_path / "empty.png")
    draw_plot([{**line, "quality": 2.0} for line in lines[:10]], tmp_path / "checked.png")
    pixels = pixels_of(tmp_path / "empty.png")
    assert pixels.shape == (720, 900, 3)
    red = (pixels[34:212] == (0xC4, 0x45, 0x2D)).all(axis=2)
    assert red[:, 80:860].any(axis=0).mean() > 0.95
    assert (pixels != pixels_of(tmp_path / "checked.png")).any()


def test_a_run_without_figures_gives_empty_panels(tmp_path: Path) -> None:
    draw_plot([], tmp_path / "none.png")
    assert pixels_of(tmp_path / "none.png").shape == (720, 900, 3)


def test_only_drawing_imports_the_plotting_library() -> None:
    code = (
        "import sys, worker.process.model_worker, worker.training.metrics; print('matplotlib' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.PIPE, text=True)
    assert done.stdout == "False\n"


def test_without_matplotlib_a_run_goes_on_and_says_once_that_no_plot_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    metrics._warn_once.cache_clear()
    for _ in range(2):
        draw_plot([], tmp_path / "none.png")
    told = [record.getMessage() for record in caplog.records]
    assert told == ["no plot is drawn: matplotlib is not installed"]
    assert not (tmp_path / "none.png").exists()
