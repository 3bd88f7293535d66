"""docs/three-hosts.md: its files are those of deploy/systemd/, systemd takes them, and its steps work."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.deploy.three_hosts import EXIT_UNABLE, PAGE, ROOT, UNITS, shown

ALL_UNITS = sorted(path.name for path in UNITS.glob("*.service"))


def without_comments(path: Path) -> str:
    return re.sub(r"^#.*\n", "", path.read_text(), flags=re.M)


@pytest.mark.parametrize(
    ("name", "part"), [("atelier.env", "ATELIER_API_HOST="), ("redis.conf", "requirepass")]
)
def test_the_page_shows_the_files(name: str, part: str) -> None:
    assert shown(part) == without_comments(UNITS / name)


def test_the_page_names_every_unit() -> None:
    text = (ROOT / PAGE).read_text()
    assert [unit for unit in ALL_UNITS if unit.removesuffix(".service") not in text] == []


@pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="needs systemd-analyze, of Debian's systemd"
)
def test_systemd_takes_the_units(tmp_path: Path) -> None:
    for name in ALL_UNITS:
        text = (UNITS / name).read_text().replace("/opt/atelier/bin/atelier", sys.executable)
        (tmp_path / name).write_text(text)
    checked = subprocess.run(
        ["systemd-analyze", "verify", "--man=no", *(str(tmp_path / name) for name in ALL_UNITS)],
        capture_output=True,
        text=True,
    )
    told = [line for line in checked.stderr.splitlines() if "atelier" in line]
    assert (checked.returncode, told) == (0, []), checked.stderr


@pytest.mark.slow
@pytest.mark.tensorflow
@pytest.mark.timeout(1000)
def test_the_page_makes_a_cluster() -> None:
    tried = subprocess.run(
        [sys.executable, "-m", "tests.deploy.three_hosts"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=900,  # some 45 s of processor time, on machines that do much else
    )
    if tried.returncode == EXIT_UNABLE:
        pytest.skip(tried.stderr)
    assert tried.returncode == 0, tried.stdout + tried.stderr
    assert tried.stdout.count("ok: ") == 5
