"""Which further Pythons continuous integration tries."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT


def other_pythons(named: str) -> list[str]:
    command = [ROOT / ".ci" / "other-pythons"]
    environ = {**os.environ, "ATELIER_CI_PYTHONS": named, "PYTHON": sys.executable}
    answer = subprocess.run(command, capture_output=True, text=True, env=environ, check=True)
    return answer.stdout.split()


@pytest.fixture
def pythons(tmp_path: Path) -> dict[str, str]:
    """Interpreters by their version: scripts that print it."""
    found = {}
    for version in ("3.10", "3.11", "3.12", "3.13", "3.14"):
        path = tmp_path / f"python{version}"
        path.write_text(f"#!/bin/sh\necho {version}\n")
        path.chmod(0o755)
        found[version] = str(path)
    return found


def test_each_supported_version_but_the_own_one_is_tried_once(pythons: dict[str, str]) -> None:
    own = f"{sys.version_info.major}.{sys.version_info.minor}"

    found = other_pythons(" ".join([*pythons.values(), *pythons.values()]))

    assert found == [pythons[version] for version in ("3.11", "3.12", "3.13") if version != own]


def test_an_interpreter_that_does_not_start_is_left_out(tmp_path: Path) -> None:
    assert other_pythons(str(tmp_path / "nothing")) == []
