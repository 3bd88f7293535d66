"""Clients that hold connections of a web server and ask for little, as `bench.service.web_servers` uses them.

Usage: python -m bench.service.attackers ATTACK ADDRESS PATH, until it is ended. ADDRESS is HOST:PORT or the
path of a socket, PATH what some of the attacks ask for.
"""

import asyncio
import socket
import sys
from collections.abc import Awaitable, Callable
from itertools import count

REST_SECONDS = 1.0
DAY_SECONDS = 86_400.0
SMALL_BYTES = 4096


async def _connected(address: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, _, port = address.rpartition(":")
    client = socket.socket(socket.AF_INET if host else socket.AF_UNIX)
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, SMALL_BYTES)
    client.setblocking(False)
    await asyncio.get_running_loop().sock_connect(client, (host, int(port)) if host else address)
    return await asyncio.open_connection(sock=client, limit=SMALL_BYTES)


async def half_headers(address: str, _path: str) -> None:
    """Begin a request's headers, and send no more of them."""
    reader, writer = await _connected(address)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-")
    await reader.read()


async def slow_headers(address: str, _path: str) -> None:
    """Send a request's headers one byte a second."""
    _, writer = await _connected(address)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
    await _drip(writer)


async def slow_bodies(address: str, _path: str) -> None:
    """Announce an upload of a megabyte, and send one byte of it a second."""
    _, writer = await _connected(address)
    writer.write(
        b"POST /v1/files HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n--x\r\n"
    )
    await _drip(writer)


async def _drip(writer: asyncio.StreamWriter) -> None:
    for _ in count():
        writer.write(b"a")
        await writer.drain()
        await asyncio.sleep(REST_SECONDS)


async def silent(address: str, _path: str) -> None:
    """Connect, and say nothing."""
    reader, _ = await _connected(address)
    await reader.read()


async def silent_after_one(address: str, _path: str) -> None:
    """Make one request, keep the connection, and say nothing more."""
    reader, writer = await _connected(address)
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    while await reader.read(SMALL_BYTES):
        pass


async def deaf(address: str, path: str) -> None:
    """Ask for a large picture again and again, and read nothing of it."""
    _, writer = await _connected(address)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode() * 4)
    await asyncio.sleep(DAY_SECONDS)


async def stream(address: str, path: str) -> None:
    """Listen to a job's events."""
    reader, writer = await _connected(address)
    writer.write(f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode())
    while await reader.read(SMALL_BYTES):
        pass


Attack = Callable[[str, str], Awaitable[None]]
ATTACKS: dict[str, tuple[Attack, int]] = {  # with how many connections
    "64 half headers": (half_headers, 64),
    "64 slow headers": (slow_headers, 64),
    "64 slow bodies": (slow_bodies, 64),
    "300 silent connections": (silent, 300),
    "300 silent after a request": (silent_after_one, 300),
    "64 readers that read nothing": (deaf, 64),
    "1,000 event streams": (stream, 1000),
    "1,000 streams of all events": (stream, 1000),
}


async def _again(attack: Attack, address: str, path: str) -> None:
    """Attack, and begin again when the server ends it."""
    while True:
        try:
            await attack(address, path)
        except OSError:
            await asyncio.sleep(REST_SECONDS / 10)


async def main() -> None:
    name, address, path = sys.argv[1:]
    attack, connections = ATTACKS[name]
    async with asyncio.TaskGroup() as group:
        for _ in range(connections):
            group.create_task(_again(attack, address, path))
            await asyncio.sleep(0.001)


if __name__ == "__main__":
    asyncio.run(main())
