"""Styles that were looked at lately: a style depends on the style image and the model alone."""

import threading
from collections import OrderedDict
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any

Key = tuple[str, str]  # the model's digest, the style file's id


class StyleCache:
    """The most recently used styles. Jobs that want the same new style at once compute it once."""

    def __init__(self, capacity: int = 512) -> None:
        self._capacity = capacity
        self._styles: OrderedDict[Key, Future[Any]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, key: Key, make: Callable[[], Any]) -> Any:
        """Return the style of the key, made by `make` where it is not known; its error is not kept."""
        future, is_mine = self._enter(key)
        if not is_mine:
            return future.result()
        try:
            future.set_result(make())
        except BaseException as error:
            self._forget(key)
            future.set_exception(error)
            raise
        return future.result()

    def _enter(self, key: Key) -> "tuple[Future[Any], bool]":
        with self._lock:
            known = self._styles.get(key)
            if known is not None:
                self._styles.move_to_end(key)
                return known, False
            future = self._styles[key] = Future()
            while len(self._styles) > self._capacity:
                self._styles.popitem(last=False)
            return future, True

    def _forget(self, key: Key) -> None:
        with self._lock:
            self._styles.pop(key, None)
