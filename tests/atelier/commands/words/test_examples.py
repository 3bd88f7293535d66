"""Each command and each group shows in its help how it is typed, and what it shows can be typed."""

from pathlib import Path

import click
import pytest

from tests.support.commands import examples, groups, leaves
from tests.support.images import pictures

LEAVES, GROUPS = dict(leaves()), dict(groups())
ALL: dict[str, click.Command] = {**GROUPS, **LEAVES}


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A folder with the files that examples name."""
    monkeypatch.chdir(tmp_path)
    for name in (
        "photo.jpg",
        "painting.jpg",
        "a.jpg",
        "b.jpg",
        "other.jpg",
        "painted.jpg",
        "seven.png",
        "art.jpg",
    ):
        Path(name).write_bytes(pictures.jpeg())
    for folder in ("photos", "inbox"):
        Path(folder).mkdir()
    for name in ("items.jsonl", "monday.tar", "settings.json", "painted.jpg.json"):
        Path(name).write_text("{}")


@pytest.mark.parametrize("name", ALL)
def test_each_help_has_an_example_of_its_command(name: str) -> None:
    found = examples(ALL[name])
    assert found
    assert all(" ".join(words).startswith(name) for words in found)


@pytest.mark.usefixtures("home")
@pytest.mark.parametrize("name", ALL)
def test_each_example_is_taken_by_the_command(name: str) -> None:
    for words in examples(ALL[name]):
        count = 2 if words[0] in GROUPS else 1
        command = LEAVES[" ".join(words[:count])]
        context = command.make_context(words[count - 1], words[count:], parent=click.Context(GROUPS[""]))
        assert not context.args
