"""Folders are small enough to be looked through, and the page that describes the tree is true."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
MOST_MODULES = 20
PAGE = (ROOT / "docs" / "architecture.md").read_text("utf-8")
QUESTIONS = PAGE.partition("| question | place |")[2].partition("\n\n")[0]


def folders() -> list[Path]:
    """Return every folder of the program and its tests that holds modules."""
    roots = [ROOT / name for name in ("api", "worker", "shared", "atelier", "bench", "tests")]
    return sorted({module.parent for root in roots for module in root.rglob("*.py")})


@pytest.mark.parametrize("folder", folders(), ids=lambda folder: str(folder.relative_to(ROOT)))
def test_no_folder_has_too_many_modules(folder: Path) -> None:
    modules = [path.name for path in folder.glob("*.py") if path.name != "__init__.py"]
    assert len(modules) <= MOST_MODULES


@pytest.mark.parametrize("package", ["api", "worker", "shared", "atelier"])
def test_the_page_names_every_folder(package: str) -> None:
    tree = PAGE.partition(f"\n{package}/ ")[2].partition("\n```")[0]
    named = set(re.findall(r"[a-z_]+(?=/)", re.split(r"\n\w+/ ", tree)[0]))
    there = {path.parent.name for path in (ROOT / package).glob("*/*.py")}
    assert not there - named


def test_the_answers_of_the_page_are_there() -> None:
    places = re.findall(r"`((?:api|worker|shared|atelier)/[\w/.]+)`", QUESTIONS)
    assert len(places) >= 20
    assert not [place for place in places if not (ROOT / place).exists()]
