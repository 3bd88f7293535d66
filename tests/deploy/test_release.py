"""`make release`: what it builds is whole, installs anywhere, and comes out the same again."""

import hashlib
import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

from tests.deploy.conftest import ROOT

IMAGES = ("api", "worker", "worker-gpu")


def load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("release", ROOT / "deploy/release/__main__.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


release = load()


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a release."""
    return Path(release.release(tmp_path_factory.mktemp("release")))


def wheel_in(folder: Path) -> Path:
    (wheel,) = folder.glob("atelier_service-*.whl")
    return wheel


def test_a_version_without_an_entry_in_the_changelog_is_not_released(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nversion = "9.9.9"\n')
    (tmp_path / "CHANGELOG.md").write_text("## [9.9.8] - 2026-01-01\n")
    monkeypatch.setattr(release, "ROOT", tmp_path)
    with pytest.raises(release.ReleaseError, match=re.escape("CHANGELOG.md has no entry for 9.9.9")):
        release.release(tmp_path / "dist")
    assert not (tmp_path / "dist").exists()


@pytest.mark.parametrize("image", IMAGES)
def test_a_list_is_made_of_what_the_image_holds(image: str) -> None:
    names = re.findall(r"(?m)^([a-z0-9.-]+)==", release.locked(image))
    assert ("tensorflow-cpu" in names, "tensorflow" in names) == (image == "worker", image == "worker-gpu")
    assert not {"libclang", "matplotlib"} & set(names), "the Dockerfile takes them out"
    assert any(name.startswith("nvidia-") for name in names) == (image == "worker-gpu")


@pytest.mark.slow
def test_everything_is_there_under_the_version_with_its_sum(built: Path) -> None:
    version = release.version()
    assert built.name == version
    lines = (built / "SHA256SUMS").read_text("utf-8").splitlines()
    listed = dict(reversed(line.split("  ")) for line in lines)
    assert listed.keys() == {
        f"atelier_service-{version}.tar.gz",
        f"atelier_service-{version}-py3-none-any.whl",
        f"atelier_client-{version}-py3-none-any.whl",
        *(f"atelier-{image}.cdx.json" for image in IMAGES),
    }
    for name, digest in listed.items():
        assert hashlib.sha256((built / name).read_bytes()).hexdigest() == digest


@pytest.mark.slow
@pytest.mark.parametrize("image", IMAGES)
def test_the_list_of_an_image_has_every_package_of_its_lock(built: Path, image: str) -> None:
    found = json.loads((built / f"atelier-{image}.cdx.json").read_text("utf-8"))
    locked = set(re.findall(r"(?m)^([a-z0-9.-]+)==([^ ;\\]+)", release.locked(image)))
    assert {(part["name"], part["version"]) for part in found["components"]} == locked
    assert (found["bomFormat"], found["metadata"]["component"]["name"]) == ("CycloneDX", "atelier-service")
    assert found["metadata"]["component"]["version"] == release.version()
    assert all(part["externalReferences"][0]["hashes"] for part in found["components"])


@pytest.mark.slow
def test_the_wheel_built_again_from_the_sources_has_the_same_bytes(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as sources:
        sources.extractall(tmp_path, filter="data")
    (folder,) = tmp_path.iterdir()
    before = os.umask(0o077)
    try:
        release.build(folder, tmp_path, "--wheel")
    finally:
        os.umask(before)
    assert wheel_in(tmp_path).read_bytes() == wheel_in(built).read_bytes()


@pytest.mark.slow
def test_the_wheel_holds_every_file_of_the_packages(built: Path) -> None:
    listed = release.git("ls-files", "-z", "api", "atelier", "shared", "worker").split("\0")
    tracked = {name for name in listed if name and not name.endswith(".md")}
    with zipfile.ZipFile(wheel_in(built)) as wheel:
        assert tracked <= set(wheel.namelist())


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.timeout(600)
def test_the_demo_runs_from_the_wheel_alone(built: Path, tmp_path: Path) -> None:
    """A fresh environment, `atelier-service[worker]` from the wheel, a folder without the sources."""
    python = tmp_path / "venv/bin/python"
    uv = [Path(sys.executable).with_name("uv")]
    subprocess.run([*uv, "venv", "--quiet", "--python", sys.executable, tmp_path / "venv"], check=True)
    wanted = f"atelier-service[worker] @ {wheel_in(built).as_uri()}"
    lock = ROOT / "requirements/worker.txt"
    command = [*uv, "pip", "install", "--quiet", "--python", python, "--constraint", lock, wanted]
    subprocess.run(command, check=True, timeout=400)
    exported = Path(sys.prefix) / "share/atelier"  # the models, which `make` exports once for all workers
    if exported.exists():
        shutil.copytree(exported, tmp_path / "venv/share/atelier")

    keep = {
        name: value for name, value in os.environ.items() if not name.startswith(("ATELIER_", "PYTHONPATH"))
    }
    atelier = python.with_name("atelier")
    # First what may take longer than the demo waits for its workers: it compiles TensorFlow's modules, too.
    for command in (["models", "pull"], ["demo"]):
        done = subprocess.run(
            [atelier, *command], cwd=tmp_path, env=keep, capture_output=True, text=True, timeout=400
        )
        assert done.returncode == 0, done.stdout + done.stderr

    made = {path.name for path in (tmp_path / "demo-output").iterdir() if path.is_file()}
    assert {"digits.png", "stylized.png"} <= made
