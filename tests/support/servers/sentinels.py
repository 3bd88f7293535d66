"""A primary, its replicas, and three Sentinels that watch them: real processes on free loopback ports."""

import os
import signal
import socket
import subprocess
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import redis

from shared.redis.client import Client, connect
from shared.redis_url import parse_redis_url
from tests.support.servers.binaries import Binary
from tests.support.servers.tls import Identity
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


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """What servers, Sentinels and clients show each other, each to each."""

    own: Identity
    authority: Path  # its certificate

    @property
    def options(self) -> tuple[str, ...]:
        """The options of a server or a Sentinel."""
        files = {"cert-file": self.own.certificate, "key-file": self.own.key, "ca-cert-file": self.authority}
        return tuple(part for name, path in files.items() for part in (f"--tls-{name}", str(path)))

    @property
    def query(self) -> str:
        """The part of a client's URL."""
        return f"ssl_ca_certs={self.authority}&ssl_certfile={self.own.certificate}&ssl_keyfile={self.own.key}"


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
        tls: TlsFiles | None = None,
    ) -> None:
        self._folder = folder
        self._binary = binary
        self._options = options
        self._environs = environs or {}
        self._tls = tls
        ports = free_ports(servers + SENTINELS)
        self.ports, self.sentinel_ports = ports[:servers], ports[servers:]
        self._processes: dict[int, subprocess.Popen[bytes]] = {}  # by port

    @property
    def url(self) -> str:
        """The REDIS_URL of the group."""
        hosts = ",".join(f"127.0.0.1:{port}" for port in self.sentinel_ports)
        if self._tls:
            return f"sentinels://{hosts}/0?service={SERVICE}&{self._tls.query}"
        return f"sentinel://{hosts}/0?service={SERVICE}"

    def server_url(self, number: int) -> str:
        """The URL of one server."""
        place = f"127.0.0.1:{self.ports[number]}/0"
        return f"rediss://{place}?{self._tls.query}" if self._tls else f"redis://{place}"

    def primary(self) -> int:
        """Return the number of the server that most Sentinels hold for the primary."""
        said = [self._said_by(port) for port in self.sentinel_ports]
        return self.ports.index(max(set(said), key=said.count))

    def _said_by(self, port: int) -> int:
        with self._sentinel(port) as sentinel:
            return int(sentinel.sentinel_get_master_addr_by_name(SERVICE)[1])

    def _sentinel(self, port: int) -> Client:
        tls = {"ssl": True, **parse_redis_url(self.url).tls} if self._tls else {}
        return redis.Redis(port=port, host="127.0.0.1", socket_timeout=1, **tls)  # type: ignore[call-overload]

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
            (*self._port(self.ports[number]), "--dir", str(folder), *_DURABLE, *self._options, *follows),
            self._environs.get(number, {}),
        )

    def _port(self, port: int) -> list[str]:
        """Return the options of a server or a Sentinel that say where it listens, and how it asks others."""
        if self._tls is None:
            return ["--port", str(port)]
        return ["--port", "0", "--tls-port", str(port), "--tls-replication", "yes", *self._tls.options]

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
            with self._sentinel(port) as sentinel:
                found = sentinel.sentinel_slaves(SERVICE)
                counts.append(sum(not one["is_disconnected"] and not one["is_sdown"] for one in found))
        return min(counts)

    def _start_sentinel(self, port: int) -> None:
        folder = self._folder / f"sentinel-{port}"
        folder.mkdir(parents=True)
        lines = [
            f"dir {folder}",
            f"sentinel monitor {SERVICE} 127.0.0.1 {self.ports[0]} 2",
            f"sentinel down-after-milliseconds {SERVICE} {DOWN_SECONDS * 1000:.0f}",
            f"sentinel failover-timeout {SERVICE} {FAILOVER_SECONDS * 1000:.0f}",
        ]
        where = self._port(port)
        lines += [
            f"{name.removeprefix('--')} {value}" for name, value in zip(where[::2], where[1::2], strict=True)
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
        with self._sentinel(port) as sentinel:
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
