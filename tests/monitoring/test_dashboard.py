"""The dashboard and what provisions it: without Grafana, what it would stumble on is looked for here."""

import re
from itertools import combinations
from typing import Any

import pytest
import yaml

from tests.monitoring.conftest import MONITORING, ROOT
from tests.monitoring.promql import labels_left
from tests.monitoring.test_names import DASHBOARD

COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
GRAFANA, PROMETHEUS = COMPOSE["services"]["grafana"], COMPOSE["services"]["prometheus"]
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
UNITS = {"none", "short", "s", "bytes", "percentunit", "reqps"}
Panel = dict[str, Any]
each_panel = pytest.mark.parametrize("panel", PANELS, ids=[panel["title"] for panel in PANELS])


def provisioned(name: str) -> Any:
    return yaml.safe_load((MONITORING / "grafana/provisioning" / name).read_text("utf-8"))


def test_panels_have_ids_of_their_own_and_lie_beside_each_other() -> None:
    panels = DASHBOARD["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    for panel in panels:
        at = panel["gridPos"]
        assert 0 <= at["x"] < at["x"] + at["w"] <= 24
        assert at["h"] > 0
    assert not [(a["title"], b["title"]) for a, b in combinations(panels, 2) if overlap(a, b)]


def overlap(one: Panel, other: Panel) -> bool:
    a, b = one["gridPos"], other["gridPos"]
    beside = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"]
    return not (beside or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"])


@each_panel
def test_a_panel_says_what_it_shows_in_which_unit(panel: Panel) -> None:
    assert panel["type"] in ("stat", "timeseries", "table")
    assert len(panel["description"]) > 10
    if panel["type"] != "table":
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    references = [target["refId"] for target in panel["targets"]]
    assert len(set(references)) == len(references) > 0


@each_panel
def test_a_panel_asks_the_source_that_the_variable_names(panel: Panel) -> None:
    (variable,) = DASHBOARD["templating"]["list"]
    source = {"type": "prometheus", "uid": f"${{{variable['name']}}}"}
    assert (variable["type"], variable["query"]) == ("datasource", "prometheus")
    assert [panel["datasource"], *(target["datasource"] for target in panel["targets"])] == [
        source, *[source] * len(panel["targets"])
    ]  # fmt: skip


@each_panel
def test_a_legend_names_labels_that_are_left(panel: Panel) -> None:
    for target in panel["targets"]:
        named = set(re.findall(r"\{\{(\w+)\}\}", target["legendFormat"]))
        left = labels_left(target["expr"])
        assert named <= (left if left is not None else {"job", "instance"}), target["expr"]
        if panel["type"] == "timeseries" and len(panel["targets"]) == 1:
            assert named >= (left or set()), f"{target['expr']}: curves would have one name"


def test_grafana_finds_the_dashboard_and_prometheus() -> None:
    (provider,) = provisioned("dashboards/atelier.yml")["providers"]
    (source,) = provisioned("datasources/prometheus.yml")["datasources"]
    mounts = dict(mount.removesuffix(":ro").split(":") for mount in GRAFANA["volumes"])
    assert mounts["./deploy/monitoring/grafana/dashboards"] == provider["options"]["path"]
    assert mounts["./deploy/monitoring/grafana/provisioning"] == "/etc/grafana/provisioning"
    assert source["url"] == "http://prometheus:9090"
    home = GRAFANA["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home == f"{provider['options']['path']}/atelier.json"


def test_prometheus_reaches_what_the_compose_file_runs() -> None:
    jobs = yaml.safe_load((MONITORING / "prometheus/prometheus.yml").read_text("utf-8"))["scrape_configs"]
    environment = COMPOSE["services"]["worker"]["environment"]
    by_name = {job["job_name"]: job for job in jobs}
    assert by_name["atelier-api"]["static_configs"] == [{"targets": ["api:8480"]}]
    for name, service in {"atelier-worker": "worker", "atelier-io": "worker-io"}.items():
        (found,) = by_name[name]["dns_sd_configs"]
        assert (found["names"], found["port"]) == ([service], int(environment["ATELIER_METRICS_PORT"]))
        assert set(COMPOSE["services"][service]["networks"]) & set(PROMETHEUS["networks"])
    assert by_name["atelier-api"]["authorization"]["credentials_file"] == "/run/secrets/metrics_key"
    assert PROMETHEUS["secrets"] == ["metrics_key"]
    assert (ROOT / "deploy/monitoring/no-key").read_bytes() == b""


def test_nobody_changes_anything_in_grafana() -> None:
    environment = GRAFANA["environment"]
    assert environment["GF_AUTH_ANONYMOUS_ORG_ROLE"] == "Viewer"
    assert environment["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"] == "true"
    assert environment["GF_AUTH_DISABLE_LOGIN_FORM"] == "true"
