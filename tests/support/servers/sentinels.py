"""A primary, its replicas, and three Sentinels that watch them: real processes on free loopback ports."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

import redis

from shared.redis.client import Client, connect
from tests.support.servers.binaries import Binary
from tests.support.waiting import eventually

SERVICE = "atelier"
SENTINELS = 3
DOWN_SECONDS = 1.0  # without a reply, after which a Sentinel holds the primary for dead
FAILOVER_SECONDS = 4.0  # for one failover; the next may begin after twice that


def free_ports(count: int) -> list[int]:
    """Return ports that nobody listens on now."""
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(one.getsockname()[1]) for one in sockets]
    for one in sockets:
        one.close()
    return ports


class SentinelGroup:
    """Runs for the length of a block; `environs` are variables of single servers, by number."""

    def __init__(
        self,
        folder: Path,
        binary: Binary,
        *,
        servers: int = 2,
        options: Sequence[str] = (),
        environs: Mapping[int, Mapping[str, str]] | None = None,
    ) -> None:
        self._folder = folder
        self._binary = binary
        self._options = options
        self._environs = environs or {}
        ports = free_ports(servers + SENTINELS)
        self.ports, self.sentinel_ports = ports[:servers], ports[servers:]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}  # by port

    @property
    def url(self) -> str:
        """The REDIS_URL of the group."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinel_ports)
        return f"sentinel://{hosts}/0?service={SERVICE}"

    def server_url(self, number: int) -> str:
        """The URL of one server."""
        return f"redis://127.0.0.1:{self.ports[number]}/0"

    def primary(self) -> int:
        """Return the number of the server that most Sentinels hold for the primary."""
        said = [self._said_by(port) for port in self.sentinel_ports]
        return self.ports.index(max(set(said), key=said.count))

    def _said_by(self, port: int) -> int:
        with redis.Redis(port=port, socket_timeout=1) as sentinel:
            return int(sentinel.sentinel_get_master_addr_by_name(SERVICE)[1])

    def pid_of(self, number: int) -> int:
        """Return the process id of a server; raise ProcessLookupError where it does not run."""
        process = self._processes.get(self.ports[number])
        if process is None or process.poll() is not None:
            raise ProcessLookupError(f"server {number} does not run")
        return process.pid

    def kill(self, number: int) -> None:
        """End a server as a crash would."""
        os.kill(self.pid_of(number), signal.SIGKILL)
        self._processes[self.ports[number]].wait()

    def start(self, number: int, primary: int | None = None) -> None:
        """Start a server, as a replica unless it is the first; it comes back as a replica, too."""
        follows = () if primary is None else ("--replicaof", f"127.0.0.1 {self.ports[primary]}")
        folder = self._folder / f"server-{number}"
        folder.mkdir(parents=True, exist_ok=True)
        self._run(
            self.ports[number],
            folder,
            ("--port", str(self.ports[number]), "--dir", str(folder), *_DURABLE, *self._options, *follows),
            self._environs.get(number, {}),
        )

    def await_failover(self, old: int, seconds: float = 30) -> int:
        """Wait until another server is the primary and takes writes; return its number."""
        eventually(lambda: self.primary() != old and self._takes_writes(self.primary()), seconds=seconds)
        return self.primary()

    def await_replicas(self, count: int, seconds: float = 60) -> None:
        """Wait until so many replicas are in step with the primary, and every Sentinel knows of them."""
        eventually(lambda: self._replicas() >= count and self._known() >= count, seconds=seconds)

    def client(self, number: int) -> Client:
        """Return a client of one server, which gives up soon."""
        return connect(self.server_url(number), timeout_seconds=0.5, retries=0)

    def _takes_writes(self, number: int) -> bool:
        with suppress(redis.RedisError), self.client(number) as client:
            return bool(client.set("written", "1"))
        return False

    def _replicas(self) -> int:
        """Return how many replicas confirm a write at once."""
        with suppress(redis.RedisError), self.client(self.primary()) as client:
            pipeline = client.pipeline(transaction=False)
            pipeline.set("written", "1")
            pipeline.execute_command("WAIT", len(self.ports), 100)
            return int(pipeline.execute()[1])
        return 0

    def _known(self) -> int:
        """Return how many live replicas the Sentinel knows that knows the fewest."""
        counts = []
        for port in self.sentinel_ports:
            with redis.Redis(port=port, socket_timeout=1) as sentinel:
                found = sentinel.sentinel_slaves(SERVICE)
                counts.append(sum(not one["is_disconnected"] and not one["is_sdown"] for one in found))
        return min(counts)

    def _start_sentinel(self, port: int) -> None:
        folder = self._folder / f"sentinel-{port}"
        folder.mkdir(parents=True)
        lines = [
            f"port {port}",
            f"dir {folder}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.ports[0]} 2",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_SECONDS * 1000:.0f}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_SECONDS * 1000:.0f}",
        ]
        (folder / "sentinel.conf").write_text("\n".join(lines) + "\n", "utf-8")
        self._run(port, folder, (str(folder / "sentinel.conf"), "--sentinel"), {})

    def _run(self, port: int, folder: Path, arguments: Sequence[str], environ: Mapping[str, str]) -> None:
        with (folder / "log").open("ab") as log:
            self._processes[port] = subprocess.Popen(
                [self._binary.path, *arguments], stdout=log, stderr=log, env={**os.environ, **environ}
            )

    def __enter__(self) -> Self:
        for number in range(len(self.ports)):
            self.start(number, primary=0 if number else None)
        eventually(lambda: self._takes_writes(0), seconds=30)
        for port in self.sentinel_ports:
            self._start_sentinel(port)
        eventually(self._sentinels_agree, seconds=30)
        self.await_replicas(len(self.ports) - 1)
        return self

    def _sentinels_agree(self) -> bool:
        with suppress(redis.RedisError):
            return all(self._peers(port) == SENTINELS - 1 for port in self.sentinel_ports)
        return False

    def _peers(self, port: int) -> int:
        with redis.Redis(port=port, socket_timeout=1) as sentinel:
            return int(sentinel.sentinel_master(SERVICE)["num-other-sentinels"])

    def __exit__(self, *_: object) -> None:
        for process in self._processes.values():
            with suppress(ProcessLookupError):
                process.send_signal(signal.SIGCONT)
            process.kill()
            process.wait()


_DURABLE = (
    *("--bind", "127.0.0.1", "--appendonly", "yes", "--save", "", "--maxmemory-policy", "noeviction"),
    *("--repl-diskless-sync-delay", "0", "--repl-ping-replica-period", "1", "--loglevel", "notice"),
)
