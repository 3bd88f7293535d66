"""What cannot be made from the synchronous client: doing several things at once, with tasks for threads."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Coroutine
from typing import Any

from atelier.client.batch import BatchItem
from atelier.client.downloads import AHEAD, Saved

Sleep = Callable[[float], Awaitable[None]]
Download = Callable[[BatchItem, int], Awaitable[bytes]]  # of the picture of a number
Results = AsyncIterable[BatchItem]


async def in_order(
    items: Results, work: Callable[[BatchItem], Coroutine[Any, Any, Saved]], connections: int
) -> AsyncGenerator[Saved, None]:
    """Yield what the work makes of each item, in their order; it is done for several at once."""
    gate = asyncio.Semaphore(connections)
    waiting: deque[asyncio.Task[Saved]] = deque()

    async def limited(item: BatchItem) -> Saved:
        async with gate:
            return await work(item)

    try:
        async for item in items:
            waiting.append(asyncio.create_task(limited(item)))
            while waiting and (waiting[0].done() or len(waiting) > connections * AHEAD):
                yield await waiting.popleft()
        while waiting:
            yield await waiting.popleft()
    finally:
        for task in waiting:
            task.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)
