"""The manifests as they would be applied: rendered by Kustomize, in the form of kubectl or of its own."""

import functools
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from shared.settings import Settings

ROOT = Path(__file__).resolve().parents[3]
FOLDER = ROOT / "deploy" / "kubernetes"
CHOICES = Path(__file__).with_name("with-choices")  # with the components that belong to no overlay
TOPS = {path.name: path for path in (*sorted((FOLDER / "overlays").iterdir()), CHOICES)}
OVERLAYS = list(TOPS)
SECRETS = {
    "redis-url": "redis://:secret@atelier-redis:6379/0",
    "bootstrap-key": f"atl_{'0' * 16}_{'1' * 64}",
    "access-key-id": "AKIAEXAMPLE",
    "secret-access-key": "bucket-secret",
    "places.json": '{"photos": {"url": "s3://photos", "access": "read"}}',
}
Manifest = dict[str, Any]


@functools.cache
def rendered(overlay: str) -> list[Manifest]:
    """Return the objects of an overlay."""
    tools = [["kubectl", "kustomize"], ["kustomize", "build"]]
    tool = next((tool for tool in tools if shutil.which(tool[0])), None)
    if tool is None:
        pytest.skip("needs kubectl or kustomize, which renders the manifests")
    done = subprocess.run([*tool, TOPS[overlay]], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return [dict(found) for found in yaml.safe_load_all(done.stdout)]


def of_kind(overlay: str, *kinds: str) -> list[Manifest]:
    return [each for each in rendered(overlay) if each["kind"] in kinds]


def name_of(manifest: Manifest) -> str:
    return str(manifest["metadata"]["name"])


def processes(overlay: str) -> list[Manifest]:
    """Return what runs pods: Deployments and, where the server is in the cluster, its StatefulSet."""
    return of_kind(overlay, "Deployment", "StatefulSet")


def pod_of(manifest: Manifest) -> dict[str, Any]:
    return dict(manifest["spec"]["template"]["spec"])


def container_of(manifest: Manifest) -> dict[str, Any]:
    (container,) = pod_of(manifest)["containers"]
    return dict(container)


def labels_of(manifest: Manifest) -> dict[str, str]:
    return dict(manifest["spec"]["template"]["metadata"]["labels"])


def selects(selector: Manifest, labels: dict[str, str]) -> bool:
    """Whether a selector of labels fits."""
    pairs = selector.get("matchLabels", {}).items()
    rules = selector.get("matchExpressions", ())
    assert all(rule["operator"] in ("In", "Exists") for rule in rules)
    return pairs <= labels.items() and all(
        rule["key"] in labels if rule["operator"] == "Exists" else labels.get(rule["key"]) in rule["values"]
        for rule in rules
    )


def environment_of(overlay: str, manifest: Manifest) -> dict[str, str]:
    """Return the variables of a process, without those of secrets."""
    container, maps = container_of(manifest), of_kind(overlay, "ConfigMap")
    named = [
        entry["configMapRef"]["name"] for entry in container.get("envFrom", ()) if "configMapRef" in entry
    ]
    found: dict[str, str] = {}
    for name in named:
        (data,) = [each["data"] for each in maps if name_of(each) == name]
        found |= data
    return found | {entry["name"]: entry["value"] for entry in container.get("env", ())}


@pytest.fixture
def bare_environment(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """No setting of the person who runs the tests."""
    for name in [name for name in os.environ if name.startswith(("ATELIER_", "REDIS_URL"))]:
        monkeypatch.delenv(name)
    return monkeypatch


def settings_of(overlay: str, manifest: Manifest, environ: pytest.MonkeyPatch, folder: Path) -> Settings:
    """Return the settings that a process would read, its secrets taken from files in a folder."""
    for name, text in SECRETS.items():
        (folder / name).write_text(text)
    for name, value in environment_of(overlay, manifest).items():
        if name.endswith("_FILE"):
            environ.setenv(name, str(folder / Path(value).name))
        else:
            environ.setenv(name, value)
    return Settings.from_env()
