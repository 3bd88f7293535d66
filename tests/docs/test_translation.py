"""README.ko.md follows README.md: the same headings in order, the same blocks, links and tables."""

import re

import pytest

from tests.support.pages.pages import PAGES, blocks_of

ENGLISH, KOREAN = "README.md", "README.ko.md"
HEADINGS = {  # of the English page, each with the Korean one
    "Atelier": "Atelier",
    "Try it": "써 보기",
    "Begin here": "어디부터 읽을까",
    "What it promises": "약속하는 것",
    "Beside others": "다른 도구와 비교",
    "With Docker": "Docker로 띄우기",
    "Where things are": "코드 구조",
    "License": "라이선스",
}
COMMENT = re.compile(r"\s+# .*$", re.MULTILINE)


def text_of(page: str) -> str:
    return PAGES[page].read_text("utf-8")


def headings(page: str) -> list[tuple[str, str]]:
    """Return the headings outside of blocks, each after its level."""
    outside = re.sub(r"^ *```.*?^ *```$", "", text_of(page), flags=re.MULTILINE | re.DOTALL)
    return re.findall(r"^(#+) (.+)$", outside, re.MULTILINE)


def rows(page: str) -> list[int]:
    """Return the number of cells of each row of a table."""
    return [line.count("|") for line in text_of(page).splitlines() if line.startswith("|")]


def links(page: str) -> list[str]:
    """Return where links and pictures lead, but those from one language to the other."""
    return [link for link in re.findall(r"\]\(([^)]+)\)", text_of(page)) if link not in (ENGLISH, KOREAN)]


def test_the_headings_are_the_same() -> None:
    assert [(level, HEADINGS[heading]) for level, heading in headings(ENGLISH)] == headings(KOREAN)


def test_the_blocks_are_the_same_but_for_comments() -> None:
    english, korean = (
        [(block.language, block.reason, COMMENT.sub("", block.text)) for block in blocks_of(page)]
        for page in (ENGLISH, KOREAN)
    )
    assert english == korean
    assert len(english) > 5


@pytest.mark.parametrize("facts", [rows, links])
def test_tables_and_links_are_the_same(facts) -> None:
    assert sorted(map(str, facts(ENGLISH))) == sorted(map(str, facts(KOREAN)))


def test_figures_are_the_same() -> None:
    """A figure that changes in one page changes in the other."""
    found = [
        {
            figure
            for figure in re.findall(
                r"\d+(?:\.\d+)? (?:GB|MB)|(?<![\d,])\d{3,}(?![\d,])", COMMENT.sub("", text_of(page))
            )
        }
        for page in (ENGLISH, KOREAN)
    ]
    assert found[0] == found[1]


def test_each_page_leads_to_the_other() -> None:
    assert f"]({KOREAN})" in text_of(ENGLISH)
    assert f"]({ENGLISH})" in text_of(KOREAN)
