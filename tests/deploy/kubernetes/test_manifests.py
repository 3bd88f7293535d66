"""The manifests are valid, refer to what exists, and say what the code and the images say."""

import re
import tomllib
from itertools import chain
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from shared.redis_url import parse_redis_url
from shared.settings import DEFAULT_REDIS_URL, Settings
from tests.deploy.kubernetes.conftest import (
    CHOICES,
    FOLDER,
    OVERLAYS,
    ROOT,
    SECRETS,
    TOPS,
    Manifest,
    container_of,
    environment_of,
    labels_of,
    name_of,
    of_kind,
    pod_of,
    processes,
    rendered,
    selects,
    settings_of,
)

VERSIONS = ("1.30", kubernetes_validate.latest_version())
# Not of Kubernetes itself: compared with KEDA's own form by test_scaling.py, and read by test_monitoring.py.
FOREIGN = {"ScaledObject", "TriggerAuthentication", "PodMonitor"}
DOCKER = {
    name: (ROOT / f"deploy/docker/{file}.Dockerfile").read_text("utf-8")
    for name, file in {
        "atelier-api": "api",
        "atelier-worker": "worker",
        "atelier-worker-gpu": "worker",
    }.items()
}
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
PAGE = (ROOT / "docs/kubernetes.md").read_text("utf-8")
PROBES = ("startupProbe", "readinessProbe", "livenessProbe")
CASES = [pytest.param(overlay, id=overlay) for overlay in OVERLAYS]
pytestmark = pytest.mark.parametrize("overlay", CASES)


def image_of(manifest: Manifest) -> str:
    """Return the name of its image, without registry and tag."""
    return str(container_of(manifest)["image"]).rpartition("/")[2].partition(":")[0]


def own(overlay: str) -> list[Manifest]:
    return [each for each in processes(overlay) if image_of(each) in DOCKER]


def commands_of(manifest: Manifest) -> list[list[str]]:
    container = container_of(manifest)
    probes = [container[name].get("exec", {}).get("command", []) for name in PROBES]
    return [command for command in (container.get("command", []), *probes) if command]


def test_every_object_is_valid_for_the_oldest_and_the_newest_cluster(overlay: str) -> None:
    for manifest in rendered(overlay):
        if manifest["kind"] not in FOREIGN:
            for version in VERSIONS:
                kubernetes_validate.validate(manifest, version, strict=True)


def test_every_process_can_read_its_settings(
    overlay: str, bare_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for manifest in own(overlay):
        with bare_environment.context() as environ:
            settings = settings_of(overlay, manifest, environ, tmp_path)
        assert settings.redis_url == SECRETS["redis-url"]
        assert settings.log_format == "json"
        keys = (settings.bucket.access_key_id, settings.bucket.secret_access_key)
        is_bucket = settings.storage.startswith("s3://")
        assert is_bucket == (overlay != "trial")
        assert [key.get_secret_value() for key in keys] == [
            SECRETS[name] if is_bucket else "" for name in ("access-key-id", "secret-access-key")
        ]
        reads_places = overlay == CHOICES.name and image_of(manifest) == "atelier-api"
        assert settings.worker.lane == labels_of(manifest).get("atelier/lane", "")
        assert bool(settings.access.bootstrap_key) == ("api" in name_of(manifest))
        assert set(settings.place_rules) == ({"photos"} if reads_places else set())


def test_the_cluster_sets_no_variables_that_are_settings(overlay: str) -> None:
    services = [name_of(each) for each in of_kind(overlay, "Service")]
    assert "atelier-api" in services, "else its ATELIER_API_PORT would not matter"
    assert [pod_of(each)["enableServiceLinks"] for each in processes(overlay)] == [False] * len(
        processes(overlay)
    )


def ports_of(manifest: Manifest, settings: Settings) -> dict[str, int]:
    """Return where a process listens, by the names that its ports have here."""
    if image_of(manifest) not in DOCKER:
        return {"redis": int(DEFAULT_REDIS_URL.rpartition(":")[2].partition("/")[0])}
    if name_of(manifest) == "atelier-api":
        return {"http": settings.api.port}
    assert settings.metrics.host == "0.0.0.0", "the loopback address of a pod is reached by nobody"
    return {"metrics": settings.metrics.port}


def test_every_port_is_one_on_which_somebody_listens(
    overlay: str, bare_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    listening: dict[str, int] = {}
    for manifest in processes(overlay):
        with bare_environment.context() as environ:
            own_ports = ports_of(manifest, settings_of(overlay, manifest, environ, tmp_path))
        declared = {port["name"]: port["containerPort"] for port in container_of(manifest).get("ports", ())}
        assert declared == own_ports, name_of(manifest)
        listening |= own_ports
        probed = [container_of(manifest)[name].get("httpGet", {}).get("port") for name in PROBES]
        assert set(filter(None, probed)) <= declared.keys()
    for service in of_kind(overlay, "Service"):
        for port in service["spec"]["ports"]:
            assert port["port"] == listening[port["targetPort"]]


def test_every_selector_finds_what_it_means(overlay: str) -> None:
    pods = {name_of(each): labels_of(each) for each in processes(overlay)}
    for manifest in of_kind(overlay, "Service"):
        found = [
            name for name, labels in pods.items() if manifest["spec"]["selector"].items() <= labels.items()
        ]
        assert found == [name_of(manifest)]
    for manifest in of_kind(overlay, "PodDisruptionBudget", "Deployment", "StatefulSet"):
        found = [name for name, labels in pods.items() if selects(manifest["spec"]["selector"], labels)]
        assert found == [name_of(manifest)]
    for manifest in processes(overlay):
        for rule in pod_of(manifest).get("topologySpreadConstraints", ()):
            found = [name for name, labels in pods.items() if selects(rule["labelSelector"], labels)]
            assert found == [name_of(manifest)]


def test_what_serves_requests_or_jobs_is_kept_running_while_nodes_are_drained(overlay: str) -> None:
    budgets = {
        name_of(each): each["spec"]["maxUnavailable"] for each in of_kind(overlay, "PodDisruptionBudget")
    }
    assert budgets == dict.fromkeys(["atelier-api", "atelier-worker-bulk", "atelier-worker-interactive"], 1)
    for manifest in of_kind(overlay, "Deployment"):
        if name_of(manifest) in budgets:
            assert manifest["spec"]["strategy"]["rollingUpdate"]["maxUnavailable"] == 0


def test_images_are_those_that_are_built_and_the_server_that_of_compose(overlay: str) -> None:
    for manifest in processes(overlay):
        if image_of(manifest) not in DOCKER:
            assert container_of(manifest)["image"] in COMPOSE["services"]["redis"]["image"]
    version = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"]
    tags = {container_of(each)["image"].rpartition(":")[2] for each in own(overlay)}
    assert tags == {"latest" if overlay == "trial" else version}


def test_commands_start_modules_that_exist_and_those_of_compose(overlay: str) -> None:
    for manifest in own(overlay):
        for command in commands_of(manifest):
            assert command[:2] == ["python", "-m"]
            assert (ROOT / f"{command[2].replace('.', '/')}.py").is_file()
    io_worker, *_ = [each for each in own(overlay) if name_of(each) == "atelier-worker-io"]
    assert container_of(io_worker)["command"] == COMPOSE["services"]["worker-io"]["command"]
    for manifest in own(overlay):
        if image_of(manifest).startswith("atelier-worker"):
            assert container_of(manifest)["command"] == COMPOSE["services"]["worker"]["command"]


def test_paths_are_those_of_the_images(overlay: str) -> None:
    for manifest in own(overlay):
        image = dict(re.findall(r"(ATELIER_\w+)=(\S+)", DOCKER[image_of(manifest)]))
        mounts = {mount["mountPath"] for mount in container_of(manifest)["volumeMounts"]}
        for command in commands_of(manifest):
            assert command[command.index("--file") + 1] == image["ATELIER_WORKER_HEALTH_FILE"]
        assert str(Path(image["ATELIER_WORKER_HEALTH_FILE"]).parent) in mounts
        if overlay == "trial":
            assert f"{image['ATELIER_STATE_DIR']}/storage" in mounts
        for name, value in environment_of(overlay, manifest).items():
            assert not name.endswith("_FILE") or str(Path(value).parent) in mounts


def test_a_process_has_longer_to_stop_than_it_takes(
    overlay: str, bare_environment: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    text = (ROOT / "api/gunicorn_conf.py").read_text("utf-8")
    (api_seconds,) = map(int, re.findall(r"(?m)^graceful_timeout = (\d+)$", text))
    for manifest in own(overlay):
        with bare_environment.context() as environ:
            drain = settings_of(overlay, manifest, environ, tmp_path).worker.grace_seconds
        before = container_of(manifest).get("lifecycle", {}).get("preStop", {}).get("exec", {}).get("command")
        seconds = api_seconds + int(before[1]) if before else drain
        assert pod_of(manifest)["terminationGracePeriodSeconds"] >= seconds + 20


def test_pods_are_confined(overlay: str) -> None:
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    for manifest in processes(overlay):
        pod, container = pod_of(manifest), container_of(manifest)
        assert pod["automountServiceAccountToken"] is False
        assert pod["securityContext"]["runAsNonRoot"] is True
        assert pod["securityContext"]["runAsUser"] >= 100
        assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
        assert container["securityContext"] == {
            "allowPrivilegeEscalation": False,
            "readOnlyRootFilesystem": True,
            "capabilities": {"drop": ["ALL"]},
        }
        assert {"cpu", "memory", "ephemeral-storage"} <= container["resources"]["requests"].keys()
        assert {"memory", "ephemeral-storage"} <= container["resources"]["limits"].keys()
        volumes = pod["volumes"]
        assert all("sizeLimit" in volume["emptyDir"] for volume in volumes if "emptyDir" in volume)
        assert {volume_kind for volume in volumes for volume_kind in volume} <= {
            "name",
            "emptyDir",
            "secret",
            "persistentVolumeClaim",
        }


def test_user_and_group_are_those_of_the_images(overlay: str) -> None:
    for manifest in own(overlay):
        context = pod_of(manifest)["securityContext"]
        assert f"USER {context['runAsUser']}:{context['runAsGroup']}\n" in DOCKER[image_of(manifest)]


def told_secrets() -> dict[str, set[str]]:
    """Return the entries of each secret that the page has made, by its name."""
    found: dict[str, set[str]] = {}
    for name, options in re.findall(r"create secret generic (\S+) \\\n((?: +--from.*\n?)+)", PAGE):
        found.setdefault(name, set()).update(re.findall(r"--from-file=([^=\s]+)=", options))
    return found


def test_secrets_come_as_files_and_are_told_with_their_entries(overlay: str) -> None:
    told = told_secrets()
    for manifest in processes(overlay):
        container = container_of(manifest)
        secrets = {
            volume["name"]: volume["secret"]["secretName"]
            for volume in pod_of(manifest)["volumes"]
            if "secret" in volume
        }
        assert set(secrets.values()) <= told.keys()
        mounted = {mount["mountPath"]: secrets.get(mount["name"], "") for mount in container["volumeMounts"]}
        for name, value in environment_of(overlay, manifest).items():
            if name.endswith("_FILE"):
                assert Path(value).name in told[mounted[str(Path(value).parent)]]
        assert not any("valueFrom" in entry for entry in container.get("env", ()))
        assert not any("secretRef" in entry for entry in container.get("envFrom", ()))


def test_addresses_of_servers_on_the_page_are_read_and_name_files_that_are_mounted(overlay: str) -> None:
    addresses = [
        parse_redis_url(found) for found in re.findall(r"\b(?:rediss?|sentinels?)://[^\s'`)]+", PAGE)
    ]
    assert {"redis", "rediss", "sentinels"} <= {address.scheme for address in addresses}
    for manifest in own(overlay):
        mounts = {mount["mountPath"] for mount in container_of(manifest)["volumeMounts"]}
        for address in addresses:
            if "ssl_ca_certs" in address.options:
                assert str(Path(address.options["ssl_ca_certs"]).parent) in mounts


def test_everything_lies_in_one_namespace(overlay: str) -> None:
    """Also what a component adds, which `kubectl` would put into the namespace of the one who applies it."""
    assert {
        each["metadata"].get("namespace") for each in rendered(overlay) if each["kind"] != "Namespace"
    } == {"atelier"}


def test_a_worker_that_waits_for_others_is_not_killed_and_the_api_is_reached_without_workers(
    overlay: str,
) -> None:
    for manifest in own(overlay):
        container = container_of(manifest)
        if name_of(manifest) == "atelier-api":
            assert {container[name]["httpGet"]["path"] for name in PROBES} == {"/healthz"}
            continue
        alive, ready = (
            container["livenessProbe"]["exec"]["command"],
            container["readinessProbe"]["exec"]["command"],
        )
        assert alive == [*ready, "--progress"]
        started = container["startupProbe"]
        assert started["exec"]["command"] == ready
        assert started["periodSeconds"] * started["failureThreshold"] >= 300


def test_the_server_takes_a_quarter_of_its_memory_and_evicts_nothing(overlay: str) -> None:
    for manifest in of_kind(overlay, "StatefulSet"):
        container = container_of(manifest)
        options = dict(zip(container["args"][::2], container["args"][1::2], strict=True))
        limit = container["resources"]["limits"]["memory"]
        assert (options["--maxmemory"], limit) == ("512mb", "2Gi")
        assert (options["--maxmemory-policy"], options["--appendonly"]) == ("noeviction", "yes")
        mounts = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert options["--dir"] in mounts
        assert manifest["spec"]["volumeClaimTemplates"][0]["spec"]["accessModes"] == ["ReadWriteOnce"]


def test_every_file_of_the_folder_is_used(overlay: str) -> None:
    """Each component belongs to an overlay that is tested here, each file to a kustomization."""
    files = {path for path in FOLDER.rglob("*") if path.is_file() and path.name != "kustomization.yaml"}
    texts = {
        path.parent: yaml.safe_load(path.read_text("utf-8"))
        for path in (*FOLDER.rglob("kustomization.yaml"), CHOICES / "kustomization.yaml")
    }
    named: set[Path] = set()
    for folder, content in texts.items():
        generated = chain.from_iterable(
            each.get("envs", ()) for each in content.get("configMapGenerator", ())
        )
        for entry in chain(content.get("resources", ()), content.get("components", ()), generated):
            named.add((folder / entry).resolve())
    tops = set(TOPS.values())
    assert files | texts.keys() - tops <= named | tops
