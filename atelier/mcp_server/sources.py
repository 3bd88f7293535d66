"""The pictures that arguments name: by path, by the id of a file, or by an address that the service fetches.

Only pictures are read, and only where the server may: what a program asks for may have been put into its
mouth by a page that it read.
"""

import asyncio
import os
import stat
from collections.abc import Sequence
from pathlib import Path

from mcp.server.mcpserver.exceptions import ToolError

from atelier.client.aio.client import AsyncClient
from atelier.client.files import OF_JOB, is_file_id, is_named
from atelier.client.request_parts import Style
from shared.images.formats import name_foreign, sniff

LONGEST = 4096  # characters of a path or an address
HEAD_BYTES = 1024  # in which a format shows itself
MOST_BYTES = 64 * 1024 * 1024  # of a picture, where the service names no limit
SUFFIXES = {
    ".png",
    ".jpg",
    ".jpeg",
    ".webp",
    ".gif",
    ".bmp",
    ".tif",
    ".tiff",
    ".heic",
    ".heif",
    ".hif",
    ".avif",
}
_FLAGS = os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOFOLLOW  # a pipe must not be waited for
Folders = tuple[Path, ...] | None


async def style_of(client: AsyncClient, text: str, folders: Folders) -> Style:
    """Return the style that is meant: a built-in number, a picture, or else a stored name."""
    if text.isascii() and text.isdigit():
        return Style(number=int(text))
    if is_named(text) or _is_path(text):
        return Style(image=await picture_of(client, text, folders))
    return Style(name=text)


async def picture_of(client: AsyncClient, text: str, folders: Folders) -> str:
    """Return the name of a picture for the service; one on this machine is uploaded. Raises ToolError."""
    data = await _read(client, text, folders)
    return text if data is None else await client.files.upload(data)


async def recipe_of(client: AsyncClient, text: str, folders: Folders) -> str | bytes:
    """Return a picture that says how it was made: the id of its file, or its bytes. Raises ToolError."""
    if is_file_id(text):
        return text
    if OF_JOB.fullmatch(text):
        job, _, number = text.partition(":")[2].partition("/")
        return await _output(client, job, int(number or 0))
    data = await _read(client, text, folders)
    if data is None:
        raise ToolError("A picture with a recipe is not fetched. Give a path, a file's id, or job:ID.")
    return data


async def _output(client: AsyncClient, job: str, number: int) -> bytes:
    known = await client.jobs.get(job)
    if number >= max(1, len(known.outputs)):
        raise ToolError(f"The job {job} has no picture {number}. Its last one is {len(known.outputs) - 1}.")
    return await client.jobs.download(known, number)


async def _read(client: AsyncClient, text: str, folders: Folders) -> bytes | None:
    """Return the bytes of a picture on this machine; None of one that the service knows or fetches."""
    if text[:5].lower() == "data:" or len(text) > LONGEST:
        raise ToolError(
            "An argument holds no picture itself. Give a path, a file's id (file_...), or an http address."
        )
    if is_named(text):
        return None
    limits = await client.files.limits()
    return await asyncio.to_thread(read_picture, text, folders, limits.max_bytes if limits else MOST_BYTES)


def _is_path(text: str) -> bool:
    return "/" in text or "\\" in text or Path(text).suffix.lower() in SUFFIXES


def read_picture(text: str, folders: Folders, most_bytes: int) -> bytes:
    """Return the bytes of a picture that may be read; raise ToolError."""
    path = _allowed(text, folders)
    try:
        with os.fdopen(os.open(path, _FLAGS), "rb") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ToolError(f"{text} is no file. Give the path of a picture.")
            head = file.read(HEAD_BYTES)
            if not sniff(head):
                raise ToolError(f"{text} is no picture: it is {name_foreign(head)}. Give another one.")
            data = head + file.read(most_bytes + 1 - len(head))
    except OSError as error:
        raise ToolError(
            f"{text} cannot be read: {error.strerror}. Give the whole path of a picture."
        ) from error
    if len(data) > most_bytes:
        raise ToolError(f"{text} has more than {most_bytes} bytes, the most of a picture. Make it smaller.")
    return data


def _allowed(text: str, folders: Folders) -> Path:
    """Return where a path leads, links followed; raise ToolError where that may not be read."""
    if folders == ():
        raise ToolError(
            "This server reads no files. Give the id of a file (file_...) or an http address, or have it "
            "started with --folder."
        )
    path = Path(text).expanduser() if folders is None else Path(text)
    if folders is None:
        if not path.is_absolute():
            raise ToolError(f"{text} is no whole path. Give it from the root on, such as /home/me/photo.jpg.")
        return path.resolve()
    return _within(text, [(folder / path).resolve() for folder in folders], folders)


def _within(text: str, places: Sequence[Path], folders: Sequence[Path]) -> Path:
    inside = [place for place in places if any(place.is_relative_to(folder) for folder in folders)]
    if not inside:
        named = " or ".join(map(str, folders))
        raise ToolError(
            f"{text} is not below {named}, and nothing else is read here. Give a picture from there."
        )
    return next((place for place in inside if place.exists()), inside[0])
