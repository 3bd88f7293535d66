"""Environments with the pip of one's choice, and a package index in a folder."""

import os
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.support.packages.package_index import PackageIndex

ROOT = Path(__file__).resolve().parents[2]
HERE = Path(__file__).parent

MakeVenv = Callable[[str], Path]


@pytest.fixture(scope="session")
def package_index(tmp_path_factory: pytest.TempPathFactory) -> PackageIndex:
    """An index in which a newer release exists of whatever is added."""
    return PackageIndex(tmp_path_factory.mktemp("index"))


@pytest.fixture
def offline(monkeypatch: pytest.MonkeyPatch, package_index: PackageIndex) -> None:
    """Let pip see that index alone."""
    for name in [name for name in os.environ if name.startswith("PIP_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("PIP_CONFIG_FILE", os.devnull)
    monkeypatch.setenv("PIP_INDEX_URL", package_index.url)


@pytest.fixture(scope="session")
def pip_wheels(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The oldest pip that this Python came with, and the newest when the locks were made."""
    wheels = {}
    for age in ("oldest", "newest"):
        folder = tmp_path_factory.mktemp(f"pip-{age}")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--no-deps", "--require-hashes"]
        subprocess.run([*command, "-d", folder, "-r", HERE / f"pip-{age}.txt"], check=True)
        (wheels[age],) = folder.iterdir()
    return wheels


@pytest.fixture
def venv_with(tmp_path: Path, pip_wheels: dict[str, Path]) -> MakeVenv:
    """Makes an environment whose pip is the oldest or the newest."""

    def make(age: str) -> Path:
        venv = tmp_path / "venv"
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", venv], check=True)
        (packages,) = venv.glob("lib/python3*/site-packages")
        with zipfile.ZipFile(pip_wheels[age]) as wheel:
            wheel.extractall(packages)
        return venv

    return make
