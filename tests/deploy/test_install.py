"""What `make` says while it installs, and where it cannot: one sentence with what to do."""

import json
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.conftest import ROOT
from tests.support.packages.package_index import PackageIndex

SCRIPT = ROOT / "deploy" / "install"
NOWHERE = "http://127.0.0.1:9/simple"


def install(venv: Path, lock: Path, **environ: str) -> subprocess.CompletedProcess[str]:
    """Run the script as make does."""
    command = [sys.executable, SCRIPT, venv, lock]
    return subprocess.run(command, capture_output=True, text=True, env={**os.environ, **environ})


def made(folder: Path, *options: str) -> Path:
    subprocess.run([sys.executable, "-m", "venv", *options, folder], check=True)
    return folder


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """A lock of one package that no index has."""
    path = tmp_path / "requirements" / "small.txt"
    path.parent.mkdir()
    path.write_text(f"no-such-package==1.0 --hash=sha256:{'0' * 64}\n")
    return path


@pytest.fixture
def python_of(tmp_path: Path) -> Path:
    """A folder that looks like an environment; its Python is a script of the test."""
    (tmp_path / "venv" / "bin").mkdir(parents=True)
    return tmp_path / "venv" / "bin" / "python"


def write_python(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


def test_an_environment_of_another_python_is_named_with_both_versions(python_of: Path, lock: Path) -> None:
    venv = python_of.parent.parent
    write_python(python_of, f'echo "3.10 {venv}"')

    answer = install(venv, lock)

    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    assert answer.returncode == 1
    assert answer.stderr == (
        f"error: {venv} was made with Python 3.10, and this is Python {here}."
        f" Remove it (rm -r {venv}) and run the command again.\n"
    )


@pytest.mark.parametrize("script", ["exit 127", ""])
def test_an_environment_whose_python_does_not_start_is_said(python_of: Path, lock: Path, script: str) -> None:
    if script:
        write_python(python_of, script)

    answer = install(python_of.parent.parent, lock)

    assert answer.returncode == 1
    assert "its Python does not start. Remove it (rm -r " in answer.stderr


def test_an_environment_that_came_from_another_folder_is_said(tmp_path: Path, lock: Path) -> None:
    venv = made(tmp_path / "venv", "--without-pip")
    (venv / ".installed").write_text(json.dumps({"folder": "/elsewhere/.venv"}))

    answer = install(venv, lock)

    assert answer.returncode == 1
    assert "was made in another folder, and does not work here. Remove it (rm -r " in answer.stderr


def test_an_environment_without_pip_is_said(tmp_path: Path, lock: Path) -> None:
    answer = install(made(tmp_path / "venv", "--without-pip"), lock)

    assert answer.returncode == 1
    assert answer.stderr == (
        f"error: {tmp_path / 'venv'} has no pip."
        f" Remove it (rm -r {tmp_path / 'venv'}) and run the command again.\n"
    )


def test_a_python_that_cannot_make_environments_is_told_what_to_install(tmp_path: Path, lock: Path) -> None:
    """As on Debian without python3-venv: what `python3 -m venv` prints there."""
    python = tmp_path / "python"
    write_python(
        python,
        "echo 'The virtual environment was not created successfully because ensurepip is not\n"
        "available.  On Debian/Ubuntu systems, you need to install the python3-venv package'; exit 1",
    )
    run = f"runpy.run_path({str(SCRIPT)!r}, run_name='__main__')"
    code = f"import runpy, sys; sys.executable = {str(python)!r}; {run}"

    answer = subprocess.run(
        [sys.executable, "-c", code, tmp_path / "venv", lock], capture_output=True, text=True
    )

    assert answer.returncode == 1
    assert f"apt-get install python3.{sys.version_info.minor}-venv" in answer.stderr
    assert not (tmp_path / "venv").exists()


@pytest.mark.parametrize(
    ("environ", "sentence"),
    [
        ({"PIP_INDEX_URL": NOWHERE}, "The package index does not answer: check the network, "),
        (
            {"PIP_INDEX_URL": "https://index.invalid/simple", "HTTPS_PROXY": "http://127.0.0.1:9"},
            "The proxy does not let pip through: check HTTPS_PROXY (http://127.0.0.1:9), or unset it.",
        ),
    ],
)
@pytest.mark.usefixtures("offline")
def test_an_index_out_of_reach_is_said(
    tmp_path: Path, lock: Path, environ: dict[str, str], sentence: str
) -> None:
    answer = install(tmp_path / "venv", lock, PIP_RETRIES="1", NO_PROXY="", no_proxy="", **environ)

    assert answer.returncode == 1
    assert answer.stderr.startswith(f"error: {sentence}")
    assert len(answer.stderr.splitlines()) == 1


@pytest.mark.parametrize("fails", [False, True])
def test_models_are_exported_at_the_end_and_nothing_depends_on_it(
    python_of: Path, lock: Path, *, fails: bool
) -> None:
    venv, calls = python_of.parent.parent, lock.with_name("calls")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    write_python(
        python_of,
        f'[ "$1" = -c ] && {{ echo "{here} {venv}"; exit 0; }}\n'
        f'echo "$2" >> {calls}; [ "$2" != worker.models.prebuilt ] || exit {int(fails)}',
    )
    (venv / ".installed").write_text(json.dumps({"folder": str(venv.resolve()), "api.txt": "of another"}))

    answer = install(venv, lock.rename(lock.with_name("worker.txt")))

    assert (answer.returncode, answer.stderr) == (0, "")
    assert calls.read_text().split()[-2:] == ["compileall", "worker.models.prebuilt"]
    assert ("left to the first start" in answer.stdout) == fails


@pytest.mark.usefixtures("offline")
def test_a_package_that_does_not_exist_for_this_machine_is_named(tmp_path: Path, lock: Path) -> None:
    answer = install(tmp_path / "venv", lock)

    assert answer.returncode == 1
    assert answer.stderr.startswith(
        f"error: There is no no-such-package for this machine ({os.uname().machine},"
    )


@pytest.mark.usefixtures("offline")
def test_a_file_that_is_not_the_locked_one_is_said(
    tmp_path: Path, package_index: PackageIndex, lock: Path
) -> None:
    lock.write_text("click==8.5.1 --hash=sha256:" + "0" * 64)
    package_index.lock(lock, tmp_path / "copy.txt")

    answer = install(tmp_path / "venv", lock)

    assert answer.returncode == 1
    assert f"a file that is not the one in {lock}" in answer.stderr


@pytest.mark.slow
@pytest.mark.usefixtures("offline")
def test_a_strange_path_and_an_unwritable_home_do_and_the_terminal_shows_progress(
    tmp_path: Path, package_index: PackageIndex
) -> None:
    lock = package_index.lock(ROOT / "requirements" / "dev.txt", tmp_path / "dev.txt")
    venv = tmp_path / "그림 작업" / "venv"
    seen = on_a_terminal([sys.executable, str(SCRIPT), str(venv), str(lock)], HOME="/proc")

    assert "2.7 GB on disk" in seen
    assert "fetching 1 of " in seen
    assert "unpacking: " in seen
    assert "Collecting" not in seen
    assert seen.rstrip().endswith("installed everything into " + str(venv))
    again = install(venv, lock, PIP_INDEX_URL=NOWHERE)
    assert (again.returncode, again.stdout, again.stderr) == (0, "", "")


def on_a_terminal(command: list[str], **environ: str) -> str:
    """Return what a command writes to a terminal."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**os.environ, **environ})
    os.close(theirs)
    seen = b""
    try:
        while chunk := os.read(ours, 4096):
            seen += chunk
    except OSError:  # the other side is closed
        pass
    finally:
        os.close(ours)
    assert process.wait(timeout=60) == 0, seen.decode()
    return seen.decode()
