"""What the Prometheus operator is told: pods, ports and names that exist, and the key for the API."""

from typing import Any

import yaml

from tests.deploy.kubernetes.conftest import (
    CHOICES,
    OVERLAYS,
    ROOT,
    container_of,
    labels_of,
    name_of,
    of_kind,
    processes,
    rendered,
    selects,
)

SCRAPED = yaml.safe_load((ROOT / "deploy/monitoring/prometheus/prometheus.yml").read_text("utf-8"))


def monitor() -> dict[str, Any]:
    (found,) = of_kind(CHOICES.name, "PodMonitor")
    return dict(found["spec"])


def test_every_process_is_collected_from_under_the_name_that_rules_and_dashboard_know() -> None:
    spec = monitor()
    found = {
        name_of(each): labels_of(each)[spec["jobLabel"]]
        for each in processes(CHOICES.name)
        if selects(spec["selector"], labels_of(each))
    }
    assert found == {
        "atelier-api": "atelier-api",
        "atelier-worker-interactive": "atelier-worker",
        "atelier-worker-bulk": "atelier-worker",
        "atelier-worker-io": "atelier-io",
    }
    assert set(found.values()) == {job["job_name"] for job in SCRAPED["scrape_configs"]}


def test_each_pod_has_one_of_the_ports_and_the_api_alone_is_shown_the_key_that_keda_has() -> None:
    endpoints = {each["port"]: each for each in monitor()["podMetricsEndpoints"]}
    for manifest in processes(CHOICES.name):
        declared = {port["name"] for port in container_of(manifest)["ports"]}
        assert len(declared & endpoints.keys()) == 1
    assert {each["path"] for each in endpoints.values()} == {"/metrics"}
    (authentication,) = of_kind(CHOICES.name, "TriggerAuthentication")
    (secret,) = authentication["spec"]["secretTargetRef"]
    assert endpoints["http"]["authorization"]["credentials"] == {"name": secret["name"], "key": secret["key"]}
    assert "authorization" not in endpoints["metrics"]


def test_no_overlay_needs_the_operator() -> None:
    for name in set(OVERLAYS) - {CHOICES.name}:
        assert not [each for each in rendered(name) if each["apiVersion"].startswith("monitoring.coreos")]
