"""Made from atelier/client/downloads.py by `make async-client`: change that file, not this one."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from atelier.client.aio.concurrency import Download, Results, in_order
from atelier.client.batch import BatchItem
from atelier.client.downloads import GONE, Saved, _is_there, place_of, write_whole
from atelier.client.errors import ApiError, ProtocolError
from atelier.client.job import Job, Output


@dataclass(frozen=True, slots=True)
class AsyncPicture:
    """One finished picture and where it came from."""

    job: Job
    output: Output
    data: bytes

    async def save(self, path: str | Path) -> Path:
        """Write the picture to a file, whole or not at all, and return its path; raise OSError."""
        return await asyncio.to_thread(write_whole, Path(path), self.data)


async def save_each(
    items: Results, download: Download, folder: Path, connections: int
) -> AsyncGenerator[Saved, None]:
    """Yield each item, in the order in which they come, once its pictures are on the disk.

    A picture that cannot be saved is the fault of its item, and stops no other.
    """
    async with aclosing(in_order(items, partial(_save, download, folder), connections)) as stream:
        async for entry in stream:
            yield entry


async def _save(download: Download, folder: Path, item: BatchItem) -> Saved:
    paths: list[Path] = []
    new = 0
    try:
        for number, named in enumerate(item.outputs):
            path = place_of(folder, named.name)
            if not await asyncio.to_thread(_is_there, path, named):
                await asyncio.to_thread(write_whole, path, await download(item, number))
                new += 1
            paths.append(path)
    except (OSError, ProtocolError, ApiError) as error:
        if isinstance(error, ApiError) and error.status not in GONE:
            raise
        return Saved(item, tuple(paths), new, error)
    return Saved(item, tuple(paths), new)
