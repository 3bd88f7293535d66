"""The asynchronous client, used as the synchronous one is: so the same tests hold for both."""

import asyncio
import inspect
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import contextmanager
from typing import Any

from atelier import AsyncClient

Loop = asyncio.AbstractEventLoop


class Blocking:
    """An object of the asynchronous client, each of whose methods is waited for."""

    def __init__(self, target: Any, loop: Loop) -> None:
        self._target, self._loop = target, loop

    def __getattr__(self, name: str) -> Any:
        value = getattr(self._target, name)
        return self._called(value) if inspect.ismethod(value) else wrapped(value, self._loop)

    def _called(self, method: Any) -> Any:
        return lambda *args, **kwargs: wrapped(method(*args, **kwargs), self._loop)

    def __iter__(self) -> Iterator[Any]:
        return iterated(aiter(self._target), self._loop)

    def __eq__(self, other: object) -> bool:
        return self._target == getattr(other, "_target", other)


def wrapped(value: Any, loop: Loop) -> Any:
    """Return what a value is for a caller that does not wait."""
    if inspect.iscoroutine(value):
        return wrapped(run(value, loop), loop)
    if isinstance(value, tuple):
        return tuple(wrapped(entry, loop) for entry in value)
    if isinstance(value, AsyncIterator):
        return iterated(value, loop)
    return Blocking(value, loop) if type(value).__name__.startswith("Async") else value


def iterated(entries: AsyncIterator[Any], loop: Loop) -> Iterator[Any]:
    """Yield what an asynchronous iterator yields."""
    try:
        while (entry := run(following(entries), loop)) is not StopAsyncIteration:
            yield entry
    finally:
        run(entries.aclose(), loop)  # type: ignore[attr-defined]  # all of the client's are generators


async def following(entries: AsyncIterator[Any]) -> Any:
    return await anext(entries, StopAsyncIteration)


def run(coroutine: Coroutine[Any, Any, Any], loop: Loop) -> Any:
    return asyncio.run_coroutine_threadsafe(coroutine, loop).result(120)


@contextmanager
def blocking_client(url: str, **options: Any) -> Iterator[Any]:
    """An asynchronous client beside an event loop in a thread, which ends as that of `asyncio.run` does.

    Only so the generators are closed that the client's libraries leave behind where a stream broke.
    """
    with asyncio.Runner(loop_factory=asyncio.new_event_loop) as runner:
        loop = runner.get_loop()
        thread = threading.Thread(target=loop.run_forever)
        thread.start()
        try:
            target = AsyncClient(url, **options)
            yield Blocking(target, loop)
            run(target.close(), loop)
        finally:
            loop.call_soon_threadsafe(loop.stop)
            thread.join()
