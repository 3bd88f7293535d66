from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest

from worker.execution.resources import StyleCache


def test_a_style_wanted_by_many_at_once_is_made_once() -> None:
    cache, made, start = StyleCache(), [], Barrier(8)

    def ask(_: int) -> object:
        start.wait(10)
        return cache.get(("m", "s"), lambda: made.append(1) or "style")

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(ask, range(8))) == {"style"}
    assert made == [1]


def test_an_error_reaches_its_caller_and_is_not_kept() -> None:
    cache = StyleCache()
    with pytest.raises(ZeroDivisionError):
        cache.get(("m", "s"), lambda: 1 // 0)
    assert cache.get(("m", "s"), lambda: 5) == 5


def test_the_least_recently_used_style_goes_first() -> None:
    cache = StyleCache(capacity=2)
    for name in ("a", "b", "a", "c"):
        cache.get(("m", name), lambda name=name: name)
    assert cache.get(("m", "a"), lambda: "made again") == "a"
    assert cache.get(("m", "b"), lambda: "made again") == "made again"
