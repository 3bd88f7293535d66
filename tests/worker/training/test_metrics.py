import json
from pathlib import Path

from worker.training.config import Losses, StepReport
from worker.training.metrics import MetricsLog

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
