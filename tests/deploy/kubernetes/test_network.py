"""Who reaches whom by the policies of the network, read as a cluster reads them."""

from ipaddress import ip_address, ip_network
from typing import Any

import pytest

from tests.deploy.kubernetes.conftest import (
    OVERLAYS,
    container_of,
    labels_of,
    name_of,
    of_kind,
    processes,
    selects,
)

CASES = [pytest.param(overlay, id=overlay) for overlay in OVERLAYS]
pytestmark = pytest.mark.parametrize("overlay", CASES)
PUBLIC, PRIVATE, METADATA = "93.184.216.34", "10.1.2.3", "169.254.169.254"
SERVER, BUCKET = "192.0.2.7", "198.51.100.7"  # in the examples' networks, which are nobody's


def pods(overlay: str) -> dict[str, dict[str, str]]:
    return {name_of(each): labels_of(each) for each in processes(overlay)}


def rules(overlay: str, labels: dict[str, str], direction: str) -> list[dict[str, Any]]:
    """Return the rules that hold for a pod; fail where none does, as all would then be let through."""
    policies = [
        each["spec"]
        for each in of_kind(overlay, "NetworkPolicy")
        if direction.capitalize() in each["spec"]["policyTypes"]
        and selects(each["spec"]["podSelector"], labels)
    ]
    assert policies, f"nothing limits {direction} of {labels}"
    return [rule for policy in policies for rule in policy.get(direction, ())]


def allows_port(rule: dict[str, Any], port: int) -> bool:
    return any(
        each["port"] <= port <= each.get("endPort", each["port"])
        for each in rule["ports"]
        if each["protocol"] == "TCP"
    )


def reaches_address(overlay: str, name: str, address: str, port: int) -> bool:
    def holds(block: dict[str, Any]) -> bool:
        excepted = map(ip_network, block.get("except", ()))
        target = ip_address(address)
        return target in ip_network(block["cidr"]) and not any(target in each for each in excepted)

    return any(
        allows_port(rule, port) and holds(peer["ipBlock"])
        for rule in rules(overlay, pods(overlay)[name], "egress")
        for peer in rule["to"]
        if "ipBlock" in peer
    )


def reaches_pod(overlay: str, name: str, other: str, port: int) -> bool:
    """Whether one may send to another, which must also let it in."""
    found = pods(overlay)

    def within(peers: list[dict[str, Any]], labels: dict[str, str]) -> bool:
        return any(
            selects(peer["podSelector"], labels)
            if "podSelector" in peer
            else peer.get("namespaceSelector") == {}
            for peer in peers
        )

    sends = any(
        allows_port(rule, port) and within(rule["to"], found[other])
        for rule in rules(overlay, found[name], "egress")
    )
    lets_in = any(
        allows_port(rule, port) and within(rule["from"], found[name])
        for rule in rules(overlay, found[other], "ingress")
    )
    return sends and lets_in


def test_workers_reach_the_server_and_the_storage_alone(overlay: str) -> None:
    for name in ("atelier-worker-interactive", "atelier-worker-bulk"):
        assert not any(reaches_address(overlay, name, PUBLIC, port) for port in (80, 443, 25))
        assert not any(reaches_address(overlay, name, address, 443) for address in (PRIVATE, METADATA))
        assert not reaches_pod(overlay, name, "atelier-api", 8480)
        assert reaches_the_server(overlay, name)


def test_only_who_delivers_and_fetches_reaches_the_outside_and_no_private_network(overlay: str) -> None:
    for name in ("atelier-api", "atelier-worker-io"):
        assert reaches_address(overlay, name, PUBLIC, 443)
        assert not any(
            reaches_address(overlay, name, address, 80) for address in (PRIVATE, METADATA, "127.0.0.1")
        )
        assert reaches_the_server(overlay, name)


def reaches_the_server(overlay: str, name: str) -> bool:
    if overlay == "trial":
        return reaches_pod(overlay, name, "atelier-redis", 6379)
    sentinel = 26379
    return all(reaches_address(overlay, name, SERVER, port) for port in (6379, sentinel)) and reaches_address(
        overlay, name, BUCKET, 443
    )


def test_the_api_alone_is_reached_by_others_and_at_its_port(overlay: str) -> None:
    for name, labels in pods(overlay).items():
        let_in = [peer for rule in rules(overlay, labels, "ingress") for peer in rule["from"]]
        assert ({"namespaceSelector": {}} in let_in) == (name == "atelier-api")
        if name == "atelier-api":
            assert [rule["ports"] for rule in rules(overlay, labels, "ingress")] == [
                [{"protocol": "TCP", "port": 8480}]
            ]


PROMETHEUS = {"app.kubernetes.io/name": "prometheus"}


def let_in_at(overlay: str, name: str, port: int, *, pod: dict[str, str], namespace: str) -> bool:
    """Whether a pod of any namespace may send to one of Atelier's, as far as that one lets it in."""

    def is_peer(peer: dict[str, Any]) -> bool:
        selector = peer.get("namespaceSelector", {"matchLabels": {"kubernetes.io/metadata.name": "atelier"}})
        return selects(selector, {"kubernetes.io/metadata.name": namespace}) and selects(
            peer.get("podSelector", {}), pod
        )

    found = rules(overlay, pods(overlay)[name], "ingress")
    return any(allows_port(rule, port) and any(map(is_peer, rule["from"])) for rule in found)


def test_prometheus_reaches_every_process_and_nobody_else_the_numbers_of_workers(
    overlay: str,
) -> None:
    for manifest in processes(overlay):
        ports = {port["name"]: port["containerPort"] for port in container_of(manifest)["ports"]}
        name = name_of(manifest)
        for port in (ports[key] for key in ("http", "metrics") if key in ports):
            for namespace in ("atelier", "monitoring"):
                assert let_in_at(overlay, name, port, pod=PROMETHEUS, namespace=namespace)
        if "metrics" in ports:
            assert not let_in_at(overlay, name, ports["metrics"], pod=PROMETHEUS, namespace="other")
            for namespace in ("atelier", "monitoring", "other"):
                assert not let_in_at(overlay, name, ports["metrics"], pod={}, namespace=namespace)


def test_the_server_reaches_nobody(overlay: str) -> None:
    if "atelier-redis" in pods(overlay):
        rules_of_server = rules(overlay, pods(overlay)["atelier-redis"], "egress")
        assert all(port["port"] == 53 for rule in rules_of_server for port in rule["ports"])


def test_a_pod_that_no_other_policy_names_reaches_nobody_and_is_reached_by_nobody(overlay: str) -> None:
    (nothing,) = [
        each["spec"] for each in of_kind(overlay, "NetworkPolicy") if each["spec"]["podSelector"] == {}
    ]
    assert sorted(nothing["policyTypes"]) == ["Egress", "Ingress"]
    assert not nothing.keys() & {"ingress", "egress"}
