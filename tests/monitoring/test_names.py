"""Dashboards, rules and pages name only metrics and labels that a running API and its workers tell."""

import json
import re
from itertools import chain
from typing import Any

import pytest
import yaml

from api.responses.problems import subclasses
from shared.errors import AtelierError
from shared.jobs.status import Outcome, Status
from shared.specs.parts import Lane
from shared.webhooks.delivery import DeliveryStatus
from tests.monitoring.conftest import MONITORING, ROOT, Scraped, documented
from tests.monitoring.promql import Named, selectors

RULES = yaml.safe_load((MONITORING / "prometheus/atelier.rules.yml").read_text("utf-8"))
DASHBOARD = json.loads((MONITORING / "grafana/dashboards/atelier.json").read_text("utf-8"))
PROMETHEUS = {"up": {"instance", "job"}, "ALERTS": {"alertname", "alertstate", "severity"}}  # its own
VALUES = {  # what these labels may hold, so that no expression waits for what never comes
    "status": {*Status, *DeliveryStatus},
    "outcome": {*Outcome},
    "lane": {*Lane},
    "state": {"waiting", "paused", "running", "taking", "cordoned"},
    "code": {AtelierError.code, *(kind.code for kind in subclasses(AtelierError))},
    "result": {"hit", "miss"},
}
HTTP = "atelier_http_requests_total"  # whose status is a number


def rules() -> list[dict[str, Any]]:
    return [rule for group in RULES["groups"] for rule in group["rules"]]


def targets(panels: list[dict[str, Any]]) -> list[dict[str, Any]]:
    inner = chain.from_iterable(targets(panel.get("panels", [])) for panel in panels)
    return [*chain.from_iterable(panel.get("targets", []) for panel in panels), *inner]


def expressions() -> dict[str, str]:
    """Return every expression, by where it stands."""
    found = {rule["alert"]: rule["expr"] for rule in rules()}
    found |= {f"panel {n}": each["expr"] for n, each in enumerate(targets(DASHBOARD["panels"]))}
    notes = DASHBOARD["annotations"]["list"]
    return found | {note["name"]: note["expr"] for note in notes if "expr" in note}


EXPRESSIONS = expressions()
SELECTORS = [(place, each) for place, text in EXPRESSIONS.items() for each in selectors(text)]


def test_the_files_are_read() -> None:
    assert len(EXPRESSIONS) > 50
    assert {each.metric for _, each in SELECTORS} > {"atelier_queue_jobs", "atelier_job_wait_seconds_bucket"}


@pytest.mark.parametrize(("place", "named"), SELECTORS, ids=[f"{p} {n.metric}" for p, n in SELECTORS])
def test_an_expression_names_only_what_processes_tell(place: str, named: Named, scraped: Scraped) -> None:
    known = {**scraped.labels_of(), **PROMETHEUS}
    assert named.metric in known, f"{place}: no process tells {named.metric}"
    unknown = ({*named.matched} | named.grouped) - set(known[named.metric])
    assert not unknown, f"{place}: {named.metric} has no {unknown}"


@pytest.mark.parametrize(("place", "named"), SELECTORS, ids=[f"{p} {n.metric}" for p, n in SELECTORS])
def test_a_label_is_compared_with_what_it_may_hold(place: str, named: Named) -> None:
    for label, text in named.matched.items():
        if label not in VALUES or (named.metric == HTTP and label == "status"):
            continue
        unknown = set(text.split("|")) - VALUES[label] - {""}
        assert not unknown, f"{place}: {label} is never {unknown}"


def test_the_page_has_every_metric_with_its_kind_and_labels(scraped: Scraped) -> None:
    told = {name: each for name, each in scraped.metrics().items() if name.startswith("atelier_")}
    assert documented() == {name: (each.kind, set(each.labels)) for name, each in told.items()}


def test_prose_names_no_metric_that_is_not_in_the_table() -> None:
    page = documented()
    rows = {f"{name}_{end}" for name, (kind, _) in page.items() if kind == "histogram" for end in ("bucket",)}
    for path in (*ROOT.glob("docs/**/*.md"), ROOT / "README.md", ROOT / "CHANGELOG.md"):
        named = set(re.findall(r"`(atelier_[a-z_]+)", path.read_text("utf-8")))
        unknown = {name for name in named if name not in page and name not in rows}
        assert not {name for name in unknown if not (ROOT / name).exists()} - VOLUMES, path


VOLUMES = {"atelier_redis", "atelier_storage", "atelier_models", "atelier_secrets"}  # of compose


def test_no_label_of_any_process_can_grow_with_its_clients(scraped: Scraped) -> None:
    labels = set(chain.from_iterable(metric.labels for metric in scraped.metrics().values()))
    bounded = {"lane", "state", "status", "outcome", "model", "code", "stage", "result"}
    of_operators = {"worker", "numerics", "version", "python", "process"}
    assert labels == bounded | of_operators | {"method", "route"}
