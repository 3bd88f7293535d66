"""KEDA's objects have the form that KEDA takes, and what they read is what the API answers."""

import re
from typing import Any

import jsonschema
import pytest
from cloudcoil.models.keda.v1alpha1 import ScaledObject, TriggerAuthentication

from shared.settings import Settings
from tests.deploy.kubernetes.conftest import (
    container_of,
    environment_of,
    name_of,
    of_kind,
    pod_of,
    processes,
    rendered,
)

OVERLAY = "production"
# Of KEDA 2.17 and later; the package has the form of 2.16.
FALLBACKS = ["static", "currentReplicas", "currentReplicasIfHigher", "currentReplicasIfLower"]


def strict(schema: Any) -> Any:
    """Refuse properties that are not known, as a cluster would drop them silently."""
    if isinstance(schema, dict):
        if "properties" in schema:
            schema.setdefault("additionalProperties", False)
        for part in schema.values():
            strict(part)
    for part in schema if isinstance(schema, list) else ():
        strict(part)
    return schema


def form_of(kind: str) -> Any:
    schema = strict(
        {"ScaledObject": ScaledObject, "TriggerAuthentication": TriggerAuthentication}[
            kind
        ].model_json_schema()
    )
    if kind == "ScaledObject":
        schema["$defs"]["Fallback"]["properties"]["behavior"] = {"enum": FALLBACKS}
    return schema


def scaled() -> list[dict[str, Any]]:
    return of_kind(OVERLAY, "ScaledObject")


@pytest.mark.parametrize("kind", ["ScaledObject", "TriggerAuthentication"])
def test_the_objects_have_kedas_form(kind: str) -> None:
    found = of_kind(OVERLAY, kind)
    assert found
    for manifest in found:
        jsonschema.validate(manifest, form_of(kind))


def test_a_field_that_keda_does_not_know_is_refused() -> None:
    manifest = scaled()[0]
    wrong = {**manifest, "spec": {**manifest["spec"], "minReplicas": 1}}
    with pytest.raises(jsonschema.ValidationError, match="minReplicas"):
        jsonschema.validate(wrong, form_of("ScaledObject"))


def test_each_lane_has_workers_that_are_scaled_and_keda_alone_sets_their_number() -> None:
    targets = {each["spec"]["scaleTargetRef"]["name"] for each in scaled()}
    workers = {
        name_of(each): each for each in processes(OVERLAY) if name_of(each).startswith("atelier-worker-")
    }
    assert targets == workers.keys() - {"atelier-worker-io"}
    assert not any("replicas" in workers[name]["spec"] for name in targets), (
        "applying it again would undo KEDA's"
    )


def test_a_number_that_cannot_be_read_stops_no_worker() -> None:
    for manifest in scaled():
        spec = manifest["spec"]
        assert spec["minReplicaCount"] >= 1
        assert spec["fallback"]["replicas"] >= spec["minReplicaCount"]
        assert spec["fallback"]["behavior"] == "currentReplicasIfHigher"
        assert "idleReplicaCount" not in spec


def test_workers_go_one_by_one_and_each_has_the_time_to_finish() -> None:
    for manifest in scaled():
        down = manifest["spec"]["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]["scaleDown"]
        assert [(each["type"], each["value"]) for each in down["policies"]] == [("Pods", 1)]
        assert down["stabilizationWindowSeconds"] >= 300
        (worker,) = [
            each for each in processes(OVERLAY) if name_of(each) == manifest["spec"]["scaleTargetRef"]["name"]
        ]
        grace = float(environment_of(OVERLAY, worker)["ATELIER_WORKER_GRACE_SECONDS"])
        assert pod_of(worker)["terminationGracePeriodSeconds"] > grace >= 120


def test_each_reads_the_load_of_its_own_lane_with_the_key_of_the_secret() -> None:
    (authentication,) = of_kind(OVERLAY, "TriggerAuthentication")
    (secret,) = authentication["spec"]["secretTargetRef"]
    assert secret == {"parameter": "token", "name": "atelier-metrics", "key": "key"}
    (service,) = of_kind(OVERLAY, "Service")
    port = service["spec"]["ports"][0]["port"]
    for manifest in scaled():
        lane = name_of(manifest).rpartition("-")[2]
        for trigger in manifest["spec"]["triggers"]:
            assert trigger["authenticationRef"] == {"name": name_of(authentication)}
            asked = trigger["metadata"]
            namespace = service["metadata"]["namespace"]
            assert asked["url"] == f"http://{name_of(service)}.{namespace}.svc.cluster.local:{port}/v1/stats"
            assert re.search(r'lane=="(\w+)"', asked["valueLocation"]).group(1) == lane  # type: ignore[union-attr]
            assert asked["authMode"] == "bearer"
            assert float(asked["targetValue"]) > 0


def test_a_worker_that_is_asked_for_more_jobs_than_it_has_slots_is_meant_so() -> None:
    """For interactive jobs a slot each; bulk may wait its turn."""
    targets = {
        name_of(each): float(trigger["metadata"]["targetValue"])
        for each in scaled()
        for trigger in each["spec"]["triggers"]
        if trigger["name"] == "jobs"
    }
    slots = Settings().worker.threads
    assert targets["atelier-worker-interactive"] == slots < targets["atelier-worker-bulk"]


def test_the_trial_needs_no_keda() -> None:
    assert not [each for each in rendered("trial") if each["apiVersion"].startswith("keda")]
    assert container_of(processes("trial")[0])
