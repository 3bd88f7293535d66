"""Counts the round trips between a client and the server, by what each sends."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from shared.redis.scripts import Scripts
from tests.support.http.tcp_proxy import TcpProxy


class RoundTrips(TcpProxy):
    """A proxy that notes each piece of data of a client which comes after one of the server.

    So a pipeline is one trip, as is whatever waits for one reply. Opening a connection is none.
    """

    def __init__(self, upstream: str, scripts: Scripts) -> None:
        super().__init__(upstream)
        self._names = {
            script.sha: name for name, script in scripts._scripts.items()
        }  # as the server has them
        self._noted: list[bytearray] = []
        self._open_trips: dict[int, bytearray] = {}  # by connection: what it sent last
        self._noting = threading.Lock()

    def hear(self, connection: int, data: bytes, *, is_request: bool) -> None:
        """Note a piece of data that passes."""
        with self._noting:
            if not is_request:
                self._open_trips.pop(connection, None)
                return
            if connection not in self._open_trips:
                self._open_trips[connection] = bytearray()
                self._noted.append(self._open_trips[connection])
            self._open_trips[connection] += data

    @contextmanager
    def counted(self) -> Iterator[list[str]]:
        """Give a list that has the trips of a block when that is over, each as its commands in words."""
        with self._noting:
            first = len(self._noted)
        found: list[str] = []
        yield found
        with self._noting:
            found += [" + ".join(self._commands(bytes(sent))) for sent in self._noted[first:]]

    def _commands(self, sent: bytes) -> Iterator[str]:
        """Return the commands of a trip, scripts by their names."""
        while sent.startswith(b"*"):
            line, _, sent = sent.partition(b"\r\n")
            words = []
            for _ in range(int(line[1:])):
                size, _, rest = sent.partition(b"\r\n")
                length = int(size[1:])
                words.append(rest[:length].decode("utf-8", "replace"))
                sent = rest[length + 2 :]
            yield self._names.get(words[1].lower(), words[1]) if words[0] == "EVALSHA" else words[0]
