"""The page on how the networks work shows the pictures that its command draws, and they are small."""

import re

from PIL import Image

from tests.support.pages.pages import PAGES, ROOT

PAGE = "docs/how-it-works.md"
FOLDER = ROOT / "docs" / "images" / "how-it-works"
MOST_BYTES = 200_000  # of a picture: nobody waits for the page
SAVED = re.compile(r'studio\.save\("([^"]+)"')
SHOWN = re.compile(r"!\[[^\]]{20,}\]\(images/how-it-works/([^)]+)\)")


def test_the_page_shows_each_picture_that_is_drawn_and_no_other() -> None:
    sources = (ROOT / "bench" / "gallery" / "how_it_works").glob("*.py")
    drawn = {name for path in sources for name in SAVED.findall(path.read_text("utf-8"))}
    shown = SHOWN.findall(PAGES[PAGE].read_text("utf-8"))
    assert sorted(shown) == sorted(drawn) == sorted(path.name for path in FOLDER.iterdir())


def test_the_pictures_are_whole_and_small() -> None:
    for path in FOLDER.iterdir():
        assert path.stat().st_size <= MOST_BYTES, path.name
        with Image.open(path) as picture:
            picture.load()
            assert 600 <= picture.width <= 1400, path.name


def test_every_source_is_cited_and_every_citation_has_its_source() -> None:
    text, sources = PAGES[PAGE].read_text("utf-8").split("\n## Sources\n")
    cited = {
        number for found in re.findall(r"\[(\d+(?:, \d+)*)\](?!\()", text) for number in found.split(", ")
    }
    assert cited == set(re.findall(r"^(\d+)\. ", sources, re.MULTILINE))
    linked = r"\[arXiv:(\d{4}\.\d{4,5})\]\(https://arxiv\.org/abs/\1\)"
    assert all(re.search(linked, line) for line in sources.strip().splitlines())
