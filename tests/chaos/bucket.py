"""Storage on S3 for a run: a server of its own, reached through a proxy, and what can go wrong with it."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.http.tcp_proxy import TcpProxy
from tests.support.s3.servers import S3Server, s3_server

SERVER = "rclone"  # starts again within a second
DELAY_SECONDS = 0.1  # that a slow bucket adds to every packet


@dataclass(frozen=True, slots=True)
class Bucket:
    """A server, and the way of all processes to it."""

    server: S3Server
    proxy: TcpProxy

    @property
    def url(self) -> str:
        """The storage URL of the installation."""
        return self.server.url("run", endpoint=self.proxy.url.replace("redis", "http"))

    @property
    def straight_url(self) -> str:
        """The same place, for who judges."""
        return self.server.url("run")

    def kill(self, seconds: float) -> None:
        """The server dies, and is back after a while."""
        self.server.kill()
        time.sleep(seconds)
        self.server.start()

    def stop(self, seconds: float) -> None:
        """The server freezes for a while."""
        self.server.freeze()
        time.sleep(seconds)
        self.server.thaw()

    def slow(self, seconds: float) -> None:
        """Every packet takes longer for a while."""
        self.proxy.delay(DELAY_SECONDS)
        time.sleep(seconds)
        self.proxy.thaw()

    def cut(self, _: float) -> None:
        """The open connections are reset."""
        self.proxy.cut()

    def refuse(self, seconds: float) -> None:
        """No connection is possible for a while."""
        self.proxy.refuse()
        time.sleep(seconds)
        self.proxy.thaw()


TROUBLE: dict[str, Callable[[Bucket, float], None]] = {
    "bucket_kill": Bucket.kill,
    "bucket_stop": Bucket.stop,
    "bucket_slow": Bucket.slow,
    "bucket_cut": Bucket.cut,
    "bucket_refuse": Bucket.refuse,
}


@contextmanager
def running_bucket(folder: Path) -> Iterator[Bucket]:
    """Run a bucket for the length of a block."""
    with s3_server(SERVER, folder) as server, TcpProxy(f"redis://127.0.0.1:{server.port}") as proxy:
        yield Bucket(server, proxy)
