"""A server over the API of these tests, and programs that call its tools."""

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
from mcp.client import Client as Program
from mcp_types import CallToolResult

from atelier.mcp_server.door import Door
from atelier.mcp_server.server import build_server
from tests.support.images import pictures

Story = Callable[[Program], Coroutine[Any, Any, Any]]


def played(server: Any, story: Story, **options: Any) -> Any:
    """Return what a program makes of a server, which is named as `Program` takes it."""

    async def play() -> Any:
        async with Program(server, **options) as program:
            return await story(program)

    return asyncio.run(play())


def words(answer: CallToolResult) -> str:
    return "\n".join(block.text for block in answer.content if block.type == "text")


@pytest.fixture
def photo(tmp_path: Path) -> Path:
    path = tmp_path / "pictures" / "photo.jpg"
    path.parent.mkdir()
    path.write_bytes(pictures.photo(160, 120))
    return path


@pytest.fixture
def call(url: str, photo: Path) -> Callable[..., CallToolResult]:
    """Call a tool in memory, in either version of the protocol, of a server that may read one folder."""

    def do(tool: str, *, mode: str = "auto", door: Door | None = None, **arguments: Any) -> CallToolResult:
        server = build_server(door or Door(url, folders=(photo.parent.resolve(),)))
        return played(server, lambda program: program.call_tool(tool, arguments), mode=mode)

    return do
