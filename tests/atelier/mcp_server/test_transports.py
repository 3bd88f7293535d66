"""The server as a process of its own, over stdio and over HTTP, called by the package's own client."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import httpx2
import pytest
from click.testing import CliRunner
from mcp.client import Client as Program
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.client.streamable_http import streamable_http_client

from api.services import Services
from atelier import Client, GenerateRequest
from atelier.cli import main
from shared.access.key import DEFAULT_SCOPES
from shared.access.store import KeyStore
from tests.atelier.mcp_server.conftest import played, words
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.waiting import eventually

CALL = {"jsonrpc": "2.0", "id": 1, "method": "tools/list"}
ACCEPT = {"Accept": "application/json, text/event-stream"}
BEFORE, NOW = {"MCP-Protocol-Version": "2025-06-18"}, {"MCP-Protocol-Version": "2026-07-28"}


@pytest.fixture
def keys(services: Services) -> Callable[[str], str]:
    """Create a key of an owner."""
    store = KeyStore(services.store.scripts)
    return lambda owner: str(store.create(owner, owner=owner, scopes=DEFAULT_SCOPES)[1])


def environment(tmp_path: Path, **variables: str) -> dict[str, str]:
    return {**os.environ, "ATELIER_STATE_DIR": str(tmp_path / "state"), **variables}


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


@contextmanager
def over_http(url: str, tmp_path: Path, *options: str, **variables: str) -> Iterator[str]:
    """A server that listens, for the length of the block."""
    port = free_port()
    command = [sys.executable, "-m", "atelier", "--url", url, "mcp", "--http", "--port", str(port), *options]
    with subprocess.Popen(command, env=environment(tmp_path, **variables), stderr=subprocess.PIPE) as process:
        try:
            eventually(lambda: answers(port) or process.poll() is not None, seconds=60)
            yield f"http://127.0.0.1:{port}/mcp"
        finally:
            process.terminate()
            process.communicate(timeout=30)


def answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@pytest.mark.usefixtures("busy_worker")
def test_a_program_starts_it_and_talks_over_stdio(
    url: str, photo: Path, tmp_path: Path, keys: Callable[[str], str]
) -> None:
    server = StdioServerParameters(
        command=sys.executable,
        args=["-m", "atelier", "--url", url, "mcp", "--folder", str(photo.parent)],
        env=environment(tmp_path, ATELIER_API_KEY=keys("anonymous")),
    )

    async def paint(program: Program) -> Any:
        listed = await program.call_tool("jobs", {})
        made = await program.call_tool("stylize", {"content": str(photo), "styles": ["photo.jpg"]})
        refused = await program.call_tool("stylize", {"content": "/etc/passwd", "styles": ["photo.jpg"]})
        return listed, made, refused

    listed, made, refused = played(stdio_client(server), paint)
    assert not listed.is_error
    assert not made.is_error, words(made)
    assert [block.type for block in made.content] == ["text", "image", "resource_link"]
    link = made.content[2].uri
    assert "signature=" in link
    assert httpx.get(link).status_code == 200
    assert "is not below" in words(refused)


def test_over_http_each_call_has_the_key_of_its_caller(
    url: str, tmp_path: Path, keys: Callable[[str], str]
) -> None:
    own, anna, ben = keys("anonymous"), keys("anna"), keys("ben")
    told: list[tuple[float, float | None]] = []

    async def call(address: str, key: str, tool: str, arguments: Any) -> Any:
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        async with (
            httpx2.AsyncClient(headers=headers, timeout=60) as http,
            Program(streamable_http_client(address, http_client=http)) as program,
        ):
            return await program.call_tool(tool, arguments, progress_callback=note)

    async def note(progress: float, total: float | None, message: str | None) -> None:
        told.append((progress, total))

    def ask(address: str, key: str, tool: str, **arguments: Any) -> Any:
        return asyncio.run(call(address, key, tool, arguments))

    with over_http(url, tmp_path, ATELIER_API_KEY=own) as address:
        made = ask(address, anna, "generate", wait_seconds=0)
        job = made.structured_content["job"]
        assert ask(address, anna, "wait", job=job, seconds=0).structured_content["job"] == job
        assert ask(address, ben, "wait", job=job, seconds=0).is_error
        assert not ask(address, anna, "cancel", job=job).is_error
        told.clear()
        assert ask(address, anna, "wait", job=job).structured_content["status"] == "canceled"
        assert told == [(100, 100)]
        assert ask(address, ben, "jobs").structured_content == {"jobs": []}
        refused = ask(address, "", "jobs")  # the server's own key is lent to nobody
        assert (refused.is_error, "Give a key" in words(refused)) == (True, True)
        unread = ask(address, anna, "stylize", content="/etc/passwd", styles=["1"])
        assert "This server reads no files" in words(unread)


def test_over_http_progress_comes_while_the_call_goes_on_and_to_its_caller_alone(
    url: str, tmp_path: Path, client: Client, worker: FakeWorker
) -> None:
    job, other = (client.jobs.create(GenerateRequest(seed=seed)) for seed in (7, 8))
    told: dict[str, list[float]] = {job.id: [], other.id: []}

    async def wait(address: str, of: str) -> Any:
        async def note(progress: float, total: float | None, message: str | None) -> None:
            assert total == 100
            told[of].append(progress)

        async with (
            httpx2.AsyncClient(timeout=60) as http,
            Program(streamable_http_client(address, http_client=http)) as program,
        ):
            return await program.call_tool("wait", {"job": of}, progress_callback=note)

    async def both(address: str) -> Any:
        return await asyncio.gather(wait(address, job.id), wait(address, other.id))

    def work() -> None:
        """Go on only when what came before was told: so none of it is kept back until the call ends."""
        eventually(lambda: all(told.values()))
        running = worker.claim(job.id)
        for count, percent in enumerate((20, 60), start=2):
            worker.report(running, percent / 100)
            eventually(partial(lambda least: len(told[job.id]) >= least, count))
        worker.succeed(running)
        worker.succeed(worker.claim(other.id))

    thread = threading.Thread(target=work)
    with over_http(url, tmp_path) as address:
        thread.start()
        answers = asyncio.run(both(address))
        thread.join()
    assert [each.structured_content["status"] for each in answers] == ["succeeded"] * 2
    assert told[job.id] == [0, 20, 60, 100]
    assert (told[other.id][0], told[other.id][-1]) == (0, 100)
    assert told[other.id] == sorted(told[other.id])


def test_over_http_foreign_names_pages_and_large_bodies_are_refused(url: str, tmp_path: Path) -> None:
    with over_http(url, tmp_path, "--allow-host", "mcp.example.org") as address, httpx.Client() as http:

        def status(headers: dict[str, str], **parts: Any) -> int:
            return http.post(address, headers={**ACCEPT, **headers}, **(parts or {"json": CALL})).status_code

        assert status(BEFORE) == 200
        assert status({**BEFORE, "Host": "mcp.example.org"}) == 200
        assert status({**BEFORE, "Origin": "http://localhost:3000"}) == 200
        large = b" " * (4 * 1024 * 1024 + 1)
        for version in (BEFORE, NOW):
            assert status({**version, "Host": "evil.example"}) == 421
            assert status({**version, "Origin": "https://evil.example"}) == 403
            assert status({**version, "Content-Type": "application/json"}, content=large) == 413


def test_it_listens_for_other_machines_only_where_keys_are_asked_for(url: str) -> None:
    refused = CliRunner().invoke(main, ["--url", url, "mcp", "--http", "--host", "0.0.0.0"])
    assert refused.exit_code == 2
    assert "the service asks for no key" in refused.stderr


def test_a_port_that_is_taken_is_told_in_a_sentence(url: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        refused = CliRunner().invoke(main, ["--url", url, "mcp", "--http", "--port", str(port)])
    assert refused.exit_code == 1
    assert f"port {port} on 127.0.0.1 is in use" in refused.stderr


def test_without_the_extra_it_says_what_to_install(url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith(("atelier.mcp_server", "mcp."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "mcp", None)
    refused = CliRunner().invoke(main, ["--url", url, "mcp"])
    assert refused.exit_code == 1
    (line,) = refused.stderr.splitlines()
    assert "atelier mcp needs the package mcp, which is not installed; install it with" in line
    assert "-m pip install 'mcp>=2.3,<3'" in line
