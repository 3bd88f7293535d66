"""What pages say of each other, and of themselves, is there."""

import re

import pytest

from tests.support.pages.pages import PAGES

LINK = re.compile(r"\]\((?!https?:)([^)#]*)(?:#([^)]+))?\)")


def anchors(text: str) -> set[str]:
    """Return the names that GitHub gives a page's headings, and those that the page gives itself."""
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    named = re.findall(r'<a id="([^"]+)">', text)
    return {*named, *(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)}


@pytest.mark.parametrize("page", PAGES)
def test_links_lead_somewhere(page: str) -> None:
    for target, anchor in LINK.findall(PAGES[page].read_text("utf-8")):
        path = PAGES[page].parent / target if target else PAGES[page]
        assert path.exists(), f"{page}: {target}"
        assert not anchor or anchor in anchors(path.read_text("utf-8")), f"{page}: {target}#{anchor}"


def test_the_summary_of_the_benchmarks_says_what_is_told_below() -> None:
    summary, *parts = PAGES["docs/benchmarks.md"].read_text("utf-8").split("\n## ")
    rows = [line.split("|") for line in summary.splitlines() if line.startswith("| ")][1:]
    figures = {figure for row in rows for figure in re.findall(r"\d+(?:\.\d+)?", row[2])}
    assert len(rows) == 16
    assert not {figure for figure in figures if not re.search(rf"\b{figure}\b", "".join(parts))}
