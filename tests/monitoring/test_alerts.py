"""The alert rules: each has a runbook that is there, is in the page, and does over time what it says."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.docs.test_links import anchors
from tests.monitoring.conftest import MONITORING, ROOT
from tests.monitoring.test_names import rules

HERE = Path(__file__).parent
PAGE = (ROOT / "docs" / "monitoring.md").read_text("utf-8")
IMPORTANT = {  # whose conduct over time tests/monitoring/alerts.test.yml has
    "AtelierNoProgress", "AtelierQueueOld", "AtelierNoWorker", "AtelierDiskFull", "AtelierWebhooksFailing",
    "AtelierTakeoversRising", "AtelierStoreDown", "AtelierNoIoWorker",
}  # fmt: skip
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool is missing: apt-get install prometheus"
)


@pytest.mark.parametrize("rule", rules(), ids=lambda rule: rule["alert"])
def test_a_rule_says_what_and_how_bad_and_where_to_read_on(rule: dict[str, dict[str, str]]) -> None:
    assert rule["labels"]["severity"] in ("critical", "warning", "info")
    assert {*rule["annotations"]} == {"summary", "description", "runbook"}
    page, _, anchor = rule["annotations"]["runbook"].partition("#")
    assert page == "docs/operations.md"
    assert anchor in anchors((ROOT / page).read_text("utf-8"))


def test_the_page_lists_every_rule_with_its_severity_and_runbook() -> None:
    row = re.compile(r"^\| `(Atelier\w+)` \| (\w+) \|.*\]\((operations\.md#[^)]+)\) \|$", re.MULTILINE)
    listed = {name: (severity, f"docs/{link}") for name, severity, link in row.findall(PAGE)}
    assert listed == {
        rule["alert"]: (rule["labels"]["severity"], rule["annotations"]["runbook"]) for rule in rules()
    }


def promtool(*arguments: str) -> str:
    run = subprocess.run(["promtool", *arguments], capture_output=True, text=True, cwd=ROOT, timeout=60)
    assert run.returncode == 0, run.stdout + run.stderr
    return run.stdout


@needs_promtool
def test_prometheus_reads_the_rules() -> None:
    found = promtool("check", "rules", str(MONITORING / "prometheus/atelier.rules.yml"))
    assert f"{len(rules())} rules found" in found


@needs_promtool
def test_the_alerts_fire_when_they_should_and_only_then() -> None:
    promtool("test", "rules", str(HERE / "alerts.test.yml"))


def test_the_important_alerts_are_tried_both_firing_and_silent() -> None:
    text = (HERE / "alerts.test.yml").read_text("utf-8")
    for name in IMPORTANT:
        assert re.search(rf"\n +alertname: {name}\n +exp_alerts:\n", text), f"{name} never fires"
        assert re.search(rf"\{{eval_time: \w+, alertname: {name}\}}", text), f"{name} is never silent"


@needs_promtool
def test_prometheus_takes_its_configuration(tmp_path: Path) -> None:
    text = (MONITORING / "prometheus/prometheus.yml").read_text("utf-8")
    (tmp_path / "key").touch()
    text = text.replace("/run/secrets/metrics_key", str(tmp_path / "key"))
    text = text.replace("/etc/prometheus/", f"{MONITORING}/prometheus/")
    (tmp_path / "prometheus.yml").write_text(text, "utf-8")
    assert "SUCCESS" in promtool("check", "config", str(tmp_path / "prometheus.yml"))
