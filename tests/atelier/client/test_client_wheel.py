"""The client's wheel in a clean environment, beside a product that has folders `shared` and `api`."""

import json
import os
import subprocess
import sys
import tomllib
import venv
import zipfile
from email.message import Message
from email.parser import Parser
from importlib.metadata import Distribution, distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tests.support.packages.wheelhouse import CHECKOUT, CLIENT, build_client, pack, pip

pytestmark = pytest.mark.slow

PRODUCT = Path(__file__).parent / "product"
MOST_BYTES = 5_000_000  # installed: the client and all that it needs


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return build_client(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="module")
def needed(wheel: Path) -> set[str]:
    """Put wheels of what the client needs beside it; return their names."""
    return pack("httpx", wheel.parent) | pack("httpx-sse", wheel.parent)


@pytest.fixture(scope="module")
def python(wheel: Path, needed: set[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The interpreter of an environment that has the client and what it needs, from local files."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, symlinks=True)
    python = folder / "bin" / "python"
    pip("--python", str(python), "install", "--no-index", "--find-links", str(wheel.parent), str(wheel))
    return python


def packages(python: Path) -> dict[str, Distribution]:
    (site,) = python.parents[1].glob("lib/python*/site-packages")
    return {found.name: found for found in distributions(path=[str(site)])}


def metadata(wheel: Path) -> Message:
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/METADATA"))
        return Parser().parsestr(archive.read(name).decode())


@pytest.fixture(scope="module")
def faults(python: Path, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """What a strict type check finds in the product, with what is in its environment."""
    cache = tmp_path_factory.mktemp("cache")
    flags = ["--config-file=", "--strict", "--python-executable", str(python), "--cache-dir", str(cache)]
    answer = subprocess.run(
        [sys.executable, "-m", "mypy", *flags, "shop.py", "mistakes.py"],
        cwd=PRODUCT,
        env={name: value for name, value in os.environ.items() if name not in ("MYPYPATH", "PYTHONPATH")},
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert "checked 2 source files" in answer.stdout, answer.stdout + answer.stderr
    return answer.stdout.splitlines()


@pytest.mark.usefixtures("busy_worker")
def test_a_product_runs_with_the_wheel_alone(python: Path, url: str) -> None:
    answer = subprocess.run(
        [str(python), str(PRODUCT / "shop.py"), url],
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    report = json.loads(answer.stdout)
    assert report["strangers"] == []
    assert report["shared"] == str(PRODUCT / "shared" / "__init__.py")
    assert report["cents"] == 25 * len(report["bytes"]) > 0
    assert report["trouble"] == "422 digit"


def test_the_environment_has_the_client_httpx_and_what_that_needs(python: Path, needed: set[str]) -> None:
    found = packages(python)
    assert found.keys() == {"atelier-client", *needed}
    assert len(found) <= 9
    files = [Path(str(d.locate_file(file))) for d in found.values() for file in d.files or ()]
    sizes = [
        file.stat().st_size for file in files if file.suffix != ".pyc"
    ]  # what Python compiles is its own
    assert 0 < sum(sizes) < MOST_BYTES


def test_the_wheel_takes_one_import_name_and_holds_the_client_alone(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    home = CHECKOUT / "atelier" / "client"
    client = {f"atelier/client/{path.relative_to(home).as_posix()}" for path in home.rglob("*.py")}
    assert names == {"atelier/__init__.py", "atelier/py.typed", *client}


def test_the_wheel_says_what_it_is(wheel: Path) -> None:
    service = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    told = metadata(wheel)
    assert (told["Name"], told["Version"]) == ("atelier-client", service["version"])
    assert (told["License-Expression"], told.get_all("License-File")) == ("Apache-2.0", ["LICENSE", "NOTICE"])
    assert told["Requires-Python"] == ">=3.11"
    wanted = [entry for entry in service["dependencies"] if entry.startswith("httpx")]
    assert set(map(Requirement, told.get_all("Requires-Dist", []))) == set(map(Requirement, wanted))
    assert {Requirement(need).name for need in wanted} == {"httpx", "httpx-sse"}
    assert (CLIENT / "README.md").read_text("utf-8").strip() in told.get_payload()


def test_a_product_that_is_right_passes_a_strict_type_check(faults: list[str]) -> None:
    assert [line for line in faults if line.startswith("shop.py")] == []


def test_every_wrong_call_is_refused_by_a_type_check(faults: list[str]) -> None:
    refused = {int(line.split(":")[1]) for line in faults if line.startswith("mistakes.py")}
    text = (PRODUCT / "mistakes.py").read_text("utf-8").splitlines()
    wrong = {number for number, line in enumerate(text, 1) if line.endswith("# refused")}
    assert len(wrong) >= 30
    assert refused == wrong
