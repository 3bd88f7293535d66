"""A TCP proxy between a client and the Redis-protocol server, which freezes, delays, cuts and refuses."""

import contextlib
import selectors
import socket
import struct
import threading
import time
from collections.abc import Callable
from typing import Self
from urllib.parse import urlsplit

CHUNK_BYTES = 65_536
RESET = struct.pack("ii", 1, 0)  # linger for no time: closing sends a reset instead of an end


class TcpProxy:
    """Listens on a free loopback port for the length of a block, and hands bytes on in both directions.

    `upstream` is a redis://, redis+socket:// or unix:// URL; it need not respond yet.
    """

    def __init__(self, upstream: str) -> None:
        self._dial = _dialer(upstream)
        self._path = urlsplit(upstream).path if upstream.startswith("redis://") else ""
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._flowing = threading.Event()  # cleared: connections stay open, and no byte moves
        self._flowing.set()
        self._delay_seconds = 0.0
        self._is_refusing = False
        self._links: set[_Link] = set()
        self._lock = threading.Lock()
        self.accepted = 0  # connections so far

    @property
    def url(self) -> str:
        """The REDIS_URL of a process that goes through the proxy."""
        return f"redis://127.0.0.1:{self._listener.getsockname()[1]}{self._path}"

    def freeze(self) -> None:
        """Hold every byte, of old and of new connections, as a black hole does. All stay open."""
        self._flowing.clear()

    def freeze_open(self) -> None:
        """Black-hole the connections that are open now, for good; new ones work."""
        for link in self._open():
            link.is_lost = True

    def thaw(self) -> None:
        """Let everything flow again, what was held first; undoes `freeze`, `delay` and `refuse`."""
        self._delay_seconds, self._is_refusing = 0.0, False
        self._flowing.set()

    def cut(self) -> None:
        """Reset every open connection; new ones work."""
        for link in self._open():
            link.cut()

    def delay(self, seconds: float) -> None:
        """Hand on what comes from now on so much later; the order stays."""
        self._delay_seconds = seconds

    def refuse(self) -> None:
        """Reset every connection, open or new, until `thaw`."""
        self._is_refusing = True
        self.cut()

    def _open(self) -> list["_Link"]:
        with self._lock:
            return list(self._links)

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return  # the proxy is closed
            self.accepted += 1
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        upstream = None if self._is_refusing else self._connect()
        if upstream is None:
            _reset(client)
            return
        link = _Link(client, upstream, self._may_flow, self.hear)
        with self._lock:
            self._links.add(link)
        link.run()
        with self._lock:
            self._links.discard(link)

    def hear(self, connection: int, data: bytes, *, is_request: bool) -> None:
        """Look at what passes; here, nobody does."""

    def _connect(self) -> socket.socket | None:
        try:
            return self._dial()
        except OSError:
            return None

    def _may_flow(self) -> bool:
        if self._delay_seconds:
            time.sleep(self._delay_seconds)
        return self._flowing.is_set()

    def __enter__(self) -> Self:
        threading.Thread(target=self._accept, name="tcp-proxy", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # wakes the thread that accepts
        self._listener.close()
        self.cut()
        self.thaw()


class _Link:
    """One connection of a client, and the one to the server that belongs to it."""

    def __init__(
        self,
        client: socket.socket,
        upstream: socket.socket,
        may_flow: Callable[[], bool],
        hear: Callable[..., None],
    ) -> None:
        self._ends = (client, upstream)
        self._may_flow = may_flow
        self._hear = hear
        self._ear, self._alarm = socket.socketpair()
        self._is_cut = threading.Event()
        self.is_lost = False  # no byte moves any more, and neither side hears of the other's end

    def run(self) -> None:
        """Hand bytes on until either side ends or `cut` is called; then reset both sides."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._ear, selectors.EVENT_READ)
            for source, target in (self._ends, self._ends[::-1]):
                selector.register(source, selectors.EVENT_READ, (source, target))
            while all(self._hand_on(*key.data) for key, _ in selector.select() if key.data):
                if self._is_cut.is_set():
                    break
        for end in self._ends:
            _reset(end)
        self._ear.close()
        self._alarm.close()

    def _hand_on(self, source: socket.socket, target: socket.socket) -> bool:
        try:
            data = source.recv(CHUNK_BYTES)
            self._hold()
            if data and not self._is_cut.is_set():
                self._hear(id(self), data, is_request=source is self._ends[0])
                target.sendall(data)
        except OSError:
            return False
        return bool(data)

    def _hold(self) -> None:
        while (self.is_lost or not self._may_flow()) and not self._is_cut.wait(0.01):
            pass

    def cut(self) -> None:
        """Have both sides reset, soon."""
        self._is_cut.set()
        with contextlib.suppress(OSError):
            self._alarm.send(b"!")


def _reset(end: socket.socket) -> None:
    with contextlib.suppress(OSError):
        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
    end.close()


def _dialer(upstream: str) -> Callable[[], socket.socket]:
    parts = urlsplit(upstream)
    if parts.scheme in ("unix", "redis+socket"):
        return lambda: _connect_unix(parts.path)
    return lambda: socket.create_connection((parts.hostname or "127.0.0.1", parts.port or 6379), timeout=None)


def _connect_unix(path: str) -> socket.socket:
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.connect(path)
    except OSError:
        end.close()
        raise
    return end
