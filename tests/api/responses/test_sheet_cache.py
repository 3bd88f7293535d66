"""Contact sheets: made once, few at a time, kept within bounds."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from api.errors import TooManyDownloads
from api.responses.sheets.sheet_cache import SheetCache


def test_a_sheet_is_made_once() -> None:
    cache = SheetCache()
    made: list[int] = []

    def make() -> bytes:
        made.append(1)
        return b"sheet"

    assert [cache.sheet("a", make) for _ in range(3)] == [b"sheet"] * 3
    assert made == [1]


def test_no_more_than_some_are_made_at_once() -> None:
    cache, begun, go_on = SheetCache(at_once=2), threading.Barrier(3), threading.Event()

    def make() -> bytes:
        begun.wait(10)
        go_on.wait(10)
        return b"sheet"

    with ThreadPoolExecutor() as pool:
        both = [pool.submit(cache.sheet, name, make) for name in "ab"]
        begun.wait(10)
        with pytest.raises(TooManyDownloads):
            cache.sheet("c", lambda: b"more")
        go_on.set()
        assert [each.result() for each in both] == [b"sheet", b"sheet"]
    assert cache.sheet("c", lambda: b"more") == b"more"


def test_who_may_wait_is_given_the_place_of_one_that_is_done() -> None:
    cache, begun, go_on = SheetCache(at_once=1, wait_seconds=10), threading.Event(), threading.Event()

    def make() -> bytes:
        begun.set()
        go_on.wait(10)
        return b"sheet"

    with ThreadPoolExecutor() as pool:
        first = pool.submit(cache.sheet, "a", make)
        begun.wait(10)
        second = pool.submit(cache.sheet, "b", lambda: b"more")
        assert not second.done()
        go_on.set()
        assert [first.result(), second.result()] == [b"sheet", b"more"]


def test_a_sheet_that_fails_gives_its_place_back() -> None:
    cache = SheetCache(at_once=1)
    for _ in range(3):
        with pytest.raises(ZeroDivisionError):
            cache.sheet("a", lambda: b"x" * (1 // 0))
    assert cache.sheet("a", lambda: b"now") == b"now"


def test_the_latest_used_are_kept_within_bounds() -> None:
    cache = SheetCache(most_bytes=20)
    for name in "ab":
        cache.sheet(name, lambda: b"x" * 10)
    cache.sheet("a", lambda: b"made again")
    cache.sheet("c", lambda: b"x" * 10)
    assert cache.sheet("a", lambda: b"made again") == b"x" * 10
    assert cache.sheet("b", lambda: b"made again") == b"made again"
    assert cache.sheet("large", lambda: b"x" * 100) == b"x" * 100  # sent, and not kept
    assert cache.sheet("large", lambda: b"made again") == b"made again"
