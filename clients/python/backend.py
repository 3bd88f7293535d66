"""Builds the client's wheel: setuptools, in a temporary folder that holds the client's files and no others.

The client stands inside of the service's package, which a wheel of the client must not take along.
"""

import shutil
import tomllib
from collections.abc import Mapping
from contextlib import chdir
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from setuptools import build_meta

HERE = Path(__file__).resolve().parent
CHECKOUT = HERE.parents[1]
TEXTS = (HERE / "pyproject.toml", HERE / "README.md", CHECKOUT / "LICENSE", CHECKOUT / "NOTICE")


class UnsupportedOperation(Exception):
    """What PEP 517 has a backend raise for what it does not build."""


def build_wheel(
    wheel_directory: str,
    config_settings: Mapping[str, Any] | None = None,
    metadata_directory: str | None = None,
) -> str:
    """Write the wheel into a folder and return its name."""
    target = Path(wheel_directory).resolve()
    with TemporaryDirectory() as folder, chdir(folder):
        gather(Path(folder))
        return str(build_meta.build_wheel(str(target), config_settings))


def build_sdist(sdist_directory: str, config_settings: Mapping[str, Any] | None = None) -> str:
    """Refuse: the sources are those of a checkout."""
    raise UnsupportedOperation(
        "atelier-client is built as a wheel alone, from a checkout of Atelier: make client"
    )


def gather(folder: Path) -> None:
    """Bring together what the wheel is made of."""
    for text in TEXTS:
        shutil.copy(text, folder)
    shutil.copytree(CHECKOUT / "atelier" / "client", folder / "atelier" / "client")
    for name in ("__init__.py", "py.typed"):
        shutil.copy(CHECKOUT / "atelier" / name, folder / "atelier")
    service = tomllib.loads((CHECKOUT / "pyproject.toml").read_text("utf-8"))["project"]
    needs = [need for need in service["dependencies"] if need.startswith("httpx")]
    (folder / "version.txt").write_text(service["version"], "utf-8")
    (folder / "dependencies.txt").write_text("\n".join(needs), "utf-8")
