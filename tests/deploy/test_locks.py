"""The locks install with every pip that a supported Python comes with, and go on to when packages move on."""

import re
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement

from tests.deploy.conftest import ROOT, MakeVenv
from tests.support.packages.package_index import PackageIndex, entries_of

LOCKS = ("api", "worker", "dev")


def lock_of(name: str) -> Path:
    return ROOT / "requirements" / f"{name}.txt"


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT)


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("age", ["oldest", "newest"])
def test_make_installs_its_lock_where_each_package_has_a_newer_release(
    tmp_path: Path, package_index: PackageIndex, venv_with: MakeVenv, age: str
) -> None:
    lock = package_index.lock(lock_of("dev"), tmp_path / "dev.txt")
    venv = venv_with(age)

    installed = run(sys.executable, "deploy/install", venv, lock)

    assert installed.returncode == 0, installed.stdout + installed.stderr
    found = run(venv / "bin" / "python", "-m", "pip", "list", "--format", "freeze").stdout
    assert f"atelier-service=={project()['version']}" in found
    assert "9999" not in found


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
@pytest.mark.parametrize("age", ["oldest", "newest"])
@pytest.mark.parametrize("image", ["api", "worker"])
def test_an_image_installs_its_lock_where_each_package_has_a_newer_release(
    tmp_path: Path, package_index: PackageIndex, venv_with: MakeVenv, image: str, age: str
) -> None:
    lock = package_index.lock(lock_of(image), tmp_path / f"{image}.txt")
    pip = [venv_with(age) / "bin" / "python", "-m", "pip"]
    dockerfile = (ROOT / "deploy" / "docker" / f"{image}.Dockerfile").read_text()
    flags = re.findall(rf"install (.*) -r /build/{image}\.txt", dockerfile)

    installed = run(*pip, "install", *flags[0].split(), "-r", lock)
    checked = run(*pip, "check")

    assert installed.returncode == 0, installed.stderr
    assert checked.returncode == 0, checked.stdout


def test_every_command_that_installs_a_lock_leaves_out_the_resolver() -> None:
    found = run("git", "grep", "-nI", "require-hashes", "--", ":!tests", ":!*.md").stdout.splitlines()

    assert len(found) >= 4
    assert [line for line in found if "--no-deps" not in line] == []


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_what_the_project_asks_for(name: str) -> None:
    """`make lock` was run after the last change of pyproject.toml."""
    extras = project()["optional-dependencies"]
    wanted = [*project()["dependencies"], *(extras["worker"] if name != "api" else ())]
    wanted += (
        [each for each in (*extras["dev"], *extras["mcp"]) if "atelier" not in each] if name == "dev" else []
    )
    locked = {entry: [*versions] for entry, versions in versions_of(name).items()}

    for requirement in map(Requirement, wanted):
        versions = locked.get(requirement.name, [])
        assert versions, requirement
        assert all(requirement.specifier.contains(version) for version in versions), requirement


@pytest.mark.parametrize(("small", "large"), [("api", "worker"), ("worker", "dev"), ("worker", "worker-gpu")])
def test_the_locks_agree(small: str, large: str) -> None:
    assert versions_of(small).items() <= versions_of(large).items()


def versions_of(name: str) -> dict[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for package, version, _ in entries_of(lock_of(name)):
        found[package] = (*found.get(package, ()), version)
    return found


def project() -> dict[str, Any]:
    return tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
