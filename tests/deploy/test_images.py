"""What the images are built from, and on which machines."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT

NAMES = ("api", "worker")


def dockerfile(name: str) -> str:
    return (ROOT / f"deploy/docker/{name}.Dockerfile").read_text("utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_an_image_says_what_it_is_and_names_no_address(name: str) -> None:
    labels = dict(re.findall(r'org\.opencontainers\.image\.(\w+)="([^"]*)"', dockerfile(name)))
    assert labels.keys() == {"title", "description", "licenses", "version", "revision"}
    assert (labels["version"], labels["revision"]) == ("${VERSION}", "${REVISION}")
    assert not any("://" in value for value in labels.values())


@pytest.mark.parametrize("name", NAMES)
def test_an_image_runs_as_nobody_in_particular(name: str) -> None:
    last = dockerfile(name).rpartition("\nFROM ")[2]
    assert "USER 10001:10001\n" in last
    assert not re.search(r"^(USER (root|0)|ADD )", last, re.MULTILINE)


@pytest.mark.parametrize("name", NAMES)
def test_what_an_image_copies_goes_to_the_builder(name: str) -> None:
    ignored = (ROOT / ".dockerignore").read_text("utf-8").splitlines()
    let_through = [line[1:] for line in ignored if line.startswith("!")]
    for sources in re.findall(r"^COPY (?!--from)(.+) \S+$", dockerfile(name), re.MULTILINE):
        for source in sources.split():
            assert (ROOT / source).exists(), source
            assert any(Path(source).match(pattern) for pattern in let_through), source


def test_the_makefile_builds_what_the_dockerfiles_can() -> None:
    done = subprocess.run(
        ["make", "-n", "images", "DEVICE=gpu"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    arguments = {
        argument for name in NAMES for argument in re.findall(r"^ARG (\w+)", dockerfile(name), re.MULTILINE)
    }
    assert set(re.findall(r"--build-arg (\w+)=", done.stdout)) <= arguments
    assert "--tag atelier-worker-gpu:" in done.stdout
    assert "--build-arg DEVICE=gpu" in done.stdout


def test_locks_for_one_kind_of_machine_are_used_on_that_alone() -> None:
    text = dockerfile("worker")
    branches = dict(re.findall(r"^ +(\S+)\) (.*?) ;; \\$", text, re.MULTILINE))
    assert {key for key, what in branches.items() if "tensorflow-cpu.txt" in what} == {"cpu-x86_64"}
    assert {key for key, what in branches.items() if "worker-gpu.txt" in what} == {"gpu-x86_64"}
    versions = {
        re.findall(
            r"(?m)^tensorflow(?:-cpu)?==(\S+)", (ROOT / f"requirements/{lock}.txt").read_text("utf-8")
        )[0]
        for lock in ("worker", "worker-gpu", "tensorflow-cpu")
    }
    assert len(versions) == 1


@pytest.mark.slow
@pytest.mark.parametrize("lock", ["api", "worker"])
def test_a_lock_installs_on_both_processors_from_built_wheels(lock: str) -> None:
    uv = shutil.which("uv", path=str(Path(sys.executable).parent))
    assert uv, "the extra dev has it"
    done = subprocess.run(
        [ROOT / "deploy/check-locks", f"requirements/{lock}.txt"],
        env={**os.environ, "UV": uv},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
