"""Wheels without an index: one that this repository builds, and those of packages that are installed here."""

import re
import subprocess
import sys
import zipfile
from importlib.metadata import PathDistribution, distribution
from pathlib import Path

from packaging.requirements import Requirement

CHECKOUT = Path(__file__).parents[3]
CLIENT = CHECKOUT / "clients" / "python"


def build_client(folder: Path) -> Path:
    """Build the client's wheel as `make client` does, and return its path."""
    flags = ["--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", str(folder)]
    pip("wheel", *flags, str(CLIENT))
    (wheel,) = folder.glob("atelier_client-*.whl")
    return wheel


def pip(*arguments: str) -> str:
    """Run pip; raise CalledProcessError where it fails."""
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def pack(name: str, folder: Path) -> set[str]:
    """Write wheels of a package that is installed here and of all that it needs; return their names."""
    done: set[str] = set()
    waiting = [name]
    while waiting:
        found = distribution(waiting.pop())
        assert isinstance(found, PathDistribution)
        if found.name not in done:
            done.add(found.name)
            _write(found, folder)
            waiting += [need.name for need in map(Requirement, found.requires or []) if _is_needed(need)]
    return done


def _is_needed(requirement: Requirement) -> bool:
    return requirement.marker is None or requirement.marker.evaluate({"extra": ""})


def _write(package: PathDistribution, folder: Path) -> None:
    """Put an installed package's files back into a wheel; what its installation added stays behind."""
    tag = re.findall(r"^Tag: (.*)$", package.read_text("WHEEL") or "", re.MULTILINE)[0]
    name = re.sub(r"[-_.]+", "_", package.name)
    with zipfile.ZipFile(folder / f"{name}-{package.version}-{tag}.whl", "w") as wheel:
        for file in package.files or ():
            if ".." not in file.parts and "__pycache__" not in file.parts:
                wheel.write(package.locate_file(file), str(file))
