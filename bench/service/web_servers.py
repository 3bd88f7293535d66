"""Which server to put under Flask: what others get while somebody holds connections, and rates without that.

Each server runs one process of the API before a store without a worker. Eight clients read a job during an
attack; what has no response after ten seconds counts as unanswered. Waitress and granian are no dependencies
of Atelier: they are left out where they are not installed.

Usage: python -m bench.service.web_servers [--servers NAME,...] [--attacks NAME;...] [--seconds N]
"""

import argparse
import importlib.util
import socket
import tempfile
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from time import monotonic, perf_counter

import httpx

from atelier.local.redis_server import EmbeddedServer
from bench.measuring import machine, percentile
from bench.photos import photo
from bench.processes import resident_mebibytes, running, wait_until, with_children
from bench.service.attackers import ATTACKS
from bench.service.noop_service import is_reachable

CLIENTS = 8
PATIENCE_SECONDS = 10.0
SETTLE_SECONDS = 2.0
BATCH_ITEMS = 10_000
GENERATE = {"type": "generate", "seeds": [1]}
_APP = "api.wsgi:create"


def _gunicorn(port: int, worker: str = "", *options: str) -> list[str]:
    """Return the command: as the service runs it, or with gunicorn's own worker of a name."""
    config = [f"--worker-class={worker}", "--timeout=60", "--keep-alive=15", *options] if worker else []
    conf = [] if worker else ["-c", "python:api.gunicorn_conf"]
    return ["gunicorn", *conf, f"--bind=127.0.0.1:{port}", *config, f"{_APP}()"]


def _waitress(port: int) -> list[str]:
    return [
        "waitress",
        f"--listen=127.0.0.1:{port}",
        "--threads=32",
        "--connection-limit=2000",
        "--asyncore-use-poll",
        "--call",
        _APP,
    ]


def _granian(port: int) -> list[str]:
    options = ["--interface=wsgi", "--factory", f"--port={port}", "--blocking-threads=32", "--backlog=2048"]
    return ["granian", *options, _APP]


SERVERS: dict[str, tuple[str, Callable[[int], list[str]]]] = {  # module, and command for a port
    "as served": ("gunicorn", _gunicorn),
    "gunicorn gthread": ("gunicorn", lambda port: _gunicorn(port, "gthread", "--threads=32")),
    "gunicorn gevent": ("gevent", lambda port: _gunicorn(port, "gevent", "--worker-connections=2000")),
    "waitress": ("waitress", _waitress),
    "granian": ("granian", _granian),
}


@dataclass
class Seen:
    """What the other clients saw."""

    seconds: list[float] = field(default_factory=list)
    unanswered: int = 0
    refused: int = 0

    def __str__(self) -> str:
        sent = len(self.seconds) + self.unanswered
        if not self.seconds:
            return f"0 of {sent}"
        p99 = 1000 * percentile(self.seconds, 99) if len(self.seconds) > 1 else 1000 * self.seconds[0]
        refused = f", {self.refused} refused" if self.refused else ""
        most = 1000 * max(self.seconds)
        return f"{len(self.seconds)} of {sent}, p99 {p99:.0f} ms, most {most:.0f} ms{refused}"


@dataclass(frozen=True, slots=True)
class Target:
    """A running server, and what is stored there."""

    name: str
    port: int
    pid: int
    picture: str
    job: str

    @property
    def url(self) -> str:
        """Where it is reached."""
        return f"http://127.0.0.1:{self.port}"

    def mebibytes(self) -> float:
        """Return what its processes have resident."""
        return resident_mebibytes(*with_children(self.pid))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--servers", default=",".join(SERVERS), help="which servers, apart by commas")
    parser.add_argument("--attacks", default=",".join(ATTACKS), help="which attacks, apart by semicolons")
    parser.add_argument("--seconds", type=float, default=10.0, help="of each measurement")
    arguments = parser.parse_args()
    attacks = [name for name in ATTACKS if name in arguments.attacks]
    for name in arguments.servers.split(","):
        if importlib.util.find_spec(SERVERS[name][0]) is None:
            print(f"\n{name}: not installed", flush=True)
            continue
        with tempfile.TemporaryDirectory() as folder, serving(name, Path(folder)) as target:
            measure(target, attacks, arguments.seconds, Path(folder))


@contextmanager
def serving(name: str, folder: Path) -> Iterator[Target]:
    """Run the API with a server while the block runs."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with EmbeddedServer(folder / "redis") as server:
        environ = {"REDIS_URL": server.url, "ATELIER_STATE_DIR": str(folder)}
        with running(SERVERS[name][1](port), environ, folder / "api.log") as process:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: is_reachable(f"{url}/healthz"), name)
            files = {"file": ("photo.jpg", photo(0, 3000), "image/jpeg")}
            picture = httpx.post(f"{url}/v1/files", files=files, timeout=30).json()["id"]
            job = httpx.post(f"{url}/v1/jobs", json=GENERATE, timeout=30).json()["id"]
            yield Target(name, port, process.pid, f"/v1/files/{picture}/content", f"/v1/jobs/{job}")


def measure(target: Target, attacks: list[str], seconds: float, folder: Path) -> None:
    """Print what others saw, attack by attack."""
    print(f"\n{target.name}  ({machine()})", flush=True)
    for label, path in (("polls", target.job), ("submissions", "")):
        seen, took = others(target.url, seconds, path)
        print(f"  {label:<30} {len(seen.seconds) / took:.0f}/s, {seen}", flush=True)
    for attack in attacks:
        with attacked(target, attack, folder):
            seen, _ = others(target.url, seconds, target.job)
            print(f"  {attack:<30} {seen}; {target.mebibytes():.0f} MiB", flush=True)
        wait_until(lambda: is_reachable(f"{target.url}/healthz"), "the server after the attack")
    with sending_batch(target.url) as done:
        seen, _ = others(target.url, seconds, target.job, until=done)
        print(f"  {f'a batch of {BATCH_ITEMS:,} items':<30} {seen}; {target.mebibytes():.0f} MiB", flush=True)


@contextmanager
def attacked(target: Target, attack: str, folder: Path) -> Iterator[None]:
    """Have another process attack while the block runs."""
    path = f"{target.job}/events" if "streams" in attack else target.picture
    path = "/v1/events" if "all events" in attack else path
    command = ["bench.service.attackers", attack, f"127.0.0.1:{target.port}", path]
    with running(command, {}, folder / "attackers.log"):
        threading.Event().wait(SETTLE_SECONDS)
        yield


@contextmanager
def sending_batch(url: str) -> Iterator[threading.Event]:
    """Send one large batch while the block runs; the event says that it was accepted."""
    done = threading.Event()
    items = [{**GENERATE, "seeds": [number]} for number in range(BATCH_ITEMS)]

    def send() -> None:
        response = httpx.post(f"{url}/v1/batches", json={"items": items}, timeout=120)
        print(f"  (batch: {response.status_code}, {response.elapsed.total_seconds():.1f} s)", flush=True)
        done.set()

    thread = threading.Thread(target=send)
    thread.start()
    yield done
    thread.join()


def others(
    url: str, seconds: float, path: str, *, until: threading.Event | None = None
) -> tuple[Seen, float]:
    """Have clients send requests for some seconds; return what they saw, and the seconds."""
    seen, began = Seen(), perf_counter()
    deadline = monotonic() + seconds
    with ThreadPoolExecutor(CLIENTS) as pool:
        wanted = partial(
            _send, url, path, seen, lambda: monotonic() < deadline and not (until and until.is_set())
        )
        for future in [pool.submit(wanted) for _ in range(CLIENTS)]:
            future.result()
    return seen, perf_counter() - began


def _send(url: str, path: str, seen: Seen, more: Callable[[], bool]) -> None:
    with httpx.Client(base_url=url, timeout=PATIENCE_SECONDS) as client:
        while more():
            began = perf_counter()
            try:
                response = client.get(path) if path else client.post("/v1/jobs", json=GENERATE)
            except httpx.TransportError:
                seen.unanswered += 1
                continue
            seen.seconds.append(perf_counter() - began)
            seen.refused += response.is_error


if __name__ == "__main__":
    main()
