"""The ports on which the workers of one machine answer Prometheus: one each, the same after each start."""

from pathlib import Path

from atelier.local.processes import Installation
from shared.network_settings import MetricsSettings
from shared.settings import Settings


def ports(folder: Path, metrics: MetricsSettings) -> list[str | None]:
    plan = Installation(Settings(state_dir=folder, metrics=metrics))
    processes = [plan.io_worker(), *plan.model_workers(3)]
    return [process.environ.get("ATELIER_METRICS_PORT") for process in processes]


def test_each_worker_has_a_port_of_its_own(tmp_path: Path) -> None:
    assert ports(tmp_path, MetricsSettings(port=9480)) == ["9480", "9481", "9482", "9483"]


def test_without_a_setting_none_has_one(tmp_path: Path) -> None:
    assert ports(tmp_path, MetricsSettings()) == [None] * 4
