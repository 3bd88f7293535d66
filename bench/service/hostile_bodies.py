"""What requests that are made to take much memory take: the most that the API has resident meanwhile.

Each is sent to one process of the API before a store without a worker. `ATTACKS` is also what
`tests/security/test_memory.py` sends.

Usage: python -m bench.service.hostile_bodies
"""

import argparse
import socket
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from atelier.local.redis_server import EmbeddedServer
from bench.processes import MEBIBYTE, peak_mebibytes, resident_mebibytes, running, wait_until, with_children
from bench.service.noop_service import is_reachable

JOBS, BATCHES = "/v1/jobs", "/v1/batches"
JSON = {"Content-Type": "application/json"}
LINES = {"Content-Type": "application/jsonl"}
FORM = {"Content-Type": "application/x-www-form-urlencoded"}
LATENTS = 256  # the most that a job may have
LATENT = 100  # numbers
CLIENT_SECONDS = 300


@dataclass(frozen=True, slots=True)
class Attack:
    """A request, what may be answered, and how much memory it may take."""

    path: str
    headers: Mapping[str, str]
    body: Callable[[], bytes]
    statuses: frozenset[int]
    most: int  # MiB that it may take in addition


def filled(before: str, piece: str, after: str, size: int) -> Callable[[], bytes]:
    """Return a function that returns text of a size which repeats one piece."""
    return lambda: (before + piece * ((size - len(before) - len(after)) // len(piece)) + after).encode()


def members(before: str, count: int, after: str) -> Callable[[], bytes]:
    """Return a function that returns text with so many members of an object."""
    return lambda: (before + ",".join(f'"key{number}":1' for number in range(count)) + after).encode()


def job(number: str) -> str:
    """Return a job that is allowed, with as many latents as possible, each of one number."""
    latent = "[" + ",".join([number] * LATENT) + "]"
    return f'{{"type":"generate","latents":[{",".join([latent] * LATENTS)}]}}'


def _attack(
    path: str, headers: Mapping[str, str], body: Callable[[], bytes], statuses: set[int], most: int
) -> Attack:
    return Attack(path, headers, body, frozenset(statuses), most)


_NESTED, _LATENTS = '{"type":"generate","latents":[[', '{"type":"generate","latents":['
_STYLES = '{"template":{"type":"stylize","multiply":{"style":['
ATTACKS = {
    "nested latents": _attack(JOBS, JSON, filled(_NESTED, "[],", "[]]]}", 980_000), {413, 422}, 30),
    "empty latents": _attack(JOBS, JSON, filled(_LATENTS, "[],", "[]]}", 980_000), {413, 422}, 30),
    "latents of one number each": _attack(JOBS, JSON, filled(_LATENTS, "[0],", "[0]]}", 980_000), {413}, 30),
    "one latent of many numbers": _attack(JOBS, JSON, filled(_NESTED, "0.1,", "0]]}", 980_000), {422}, 30),
    "latents of text": _attack(JOBS, JSON, filled(_NESTED, '"",', '""]]}', 980_000), {422}, 40),
    "latents of text, 300 lists": _attack(
        JOBS, JSON, filled(_LATENTS, "[" + '"",' * 1000 + '""],', "[]]}", 980_000), {422}, 40
    ),
    "seeds of text": _attack(
        JOBS, JSON, filled('{"type":"generate","seeds":[', '"",', '""]}', 980_000), {422}, 40
    ),
    "a job with many fields": _attack(
        JOBS, JSON, members('{"type":"generate",', 60_000, "}"), {413, 422}, 40
    ),
    "metadata with many fields": _attack(
        JOBS, JSON, members('{"type":"generate","metadata":{', 60_000, "}}"), {413, 422}, 40
    ),
    "a batch with many fields": _attack(
        BATCHES, JSON, members('{"items":[{"type":"generate"}],', 600_000, "}"), {413, 422}, 60
    ),
    "an object with many fields and no items": _attack(
        BATCHES, JSON, members("{", 600_000, "}"), {413, 422}, 60
    ),
    "an item with many fields": _attack(
        BATCHES, JSON, members('{"items":[{', 600_000, "}]}"), {413, 422}, 60
    ),
    "many items": _attack(BATCHES, JSON, filled('{"items":[', "{},", "{}]}", 8_000_000), {422}, 60),
    "many numbers for items": _attack(
        BATCHES, JSON, filled('{"items":[', "1,", "1]}", 8_000_000), {413, 422}, 60
    ),
    "many lists for items": _attack(
        BATCHES, JSON, filled('{"items":[', "[],", "[]]}", 8_000_000), {413, 422}, 60
    ),
    "a template of junk": _attack(
        BATCHES, JSON, filled(_STYLES, "1.5,", "1.5]}}}", 8_000_000), {413, 422}, 80
    ),
    "a template of wrong styles": _attack(
        BATCHES, JSON, filled(_STYLES, '{"a":1},', "1.5]}}}", 300_000), {413, 422}, 60
    ),
    "escapes without an end": _attack(
        BATCHES, JSON, filled('{"items":[{"a":"', '\\"', "", 8_000_000), {400, 413}, 60
    ),
    "short lines of junk": _attack(BATCHES, LINES, filled("", "x\n", "x", 31 * MEBIBYTE), {422}, 90),
    "blank lines": _attack(BATCHES, LINES, filled("", "\n", "x", 31 * MEBIBYTE), {422}, 90),
    "long lines of junk": _attack(
        BATCHES, LINES, filled("", "x" * 1000 + "\n", "x", 31 * MEBIBYTE), {422}, 90
    ),
    "one line of junk": _attack(BATCHES, LINES, filled("", "[", "x", 31 * MEBIBYTE), {422}, 90),
    "lines of nested latents": _attack(
        BATCHES, LINES, filled("", _LATENTS + "[]," * 300_000 + "[]]}\n", "", 31 * MEBIBYTE), {422}, 90
    ),
    "a data URL that is no picture": _attack(
        JOBS,
        JSON,
        filled('{"type":"transform","model":"m","content":"data:;base64,', "AAAA", '"}', 31 * MEBIBYTE),
        {422},
        160,
    ),
    "a data URL of percent signs": _attack(
        "/v1/styles", JSON, filled('{"name":"a","image":"data:,', "%41", '"}', 31 * MEBIBYTE), {422}, 160
    ),
    "a data URL of quotes": _attack(
        JOBS, JSON, filled('{"type":"stylize","content":"data:', '\\"', '"}', 31 * MEBIBYTE), {413}, 60
    ),
    "many data URLs": _attack(
        JOBS,
        JSON,
        filled('{"type":"stylize","styles":[', '{"image":"data:,"},', "{}]}", 31 * MEBIBYTE),
        {413},
        60,
    ),
    "a long form": _attack("/v1/jobs/generate", FORM, filled("", "a=b&", "a=b", 31 * MEBIBYTE), {413}, 20),
    "a long field": _attack("/v1/jobs/generate", FORM, filled("seeds=", "1,", "1", 31 * MEBIBYTE), {413}, 20),
    "a form of percent signs": _attack(
        "/v1/jobs/generate", FORM, filled("seeds=", "%", "", MEBIBYTE - 1), {413}, 30
    ),
    "lines of large jobs": _attack(
        BATCHES, LINES, lambda: filled("", job("0") + "\n", "", 31 * MEBIBYTE)(), {202}, 120
    ),
    "lines of the largest jobs": _attack(
        BATCHES, LINES, lambda: filled("", job("0.1234567890123456") + "\n", "", 31 * MEBIBYTE)(), {202}, 120
    ),
    "large items": _attack(
        BATCHES, JSON, lambda: filled('{"items":[', job("0") + ",", job("0") + "]}", 8_000_000)(), {202}, 60
    ),
    "a large template": _attack(
        BATCHES, JSON,
        lambda: f'{{"template":{{{job("0")[1:-1]},"multiply":{{"model":{["mnist-dcgan"] * 400}}}}}}}'
        .replace("'", '"').encode(), {202}, 60,
    ),
}  # fmt: skip
PAGES = ("/v1/jobs?limit=200&items=true", "{batch}/items?limit=200", "{batch}/finished?limit=500")
PAGE_MOST = 80  # MiB that a page of the largest jobs may take


def store_large_jobs(http: httpx.Client) -> list[str]:
    """Store the largest jobs that there may be, half of them ended; return addresses of their pages."""
    attack = ATTACKS["lines of the largest jobs"]
    batches = [http.post(BATCHES, content=attack.body(), headers=LINES).json() for _ in range(2)]
    home = f"{BATCHES}/{batches[-1]['id']}"
    http.post(f"{home}/cancel").raise_for_status()
    return [page.format(batch=home) for page in PAGES]


def clear_peak(pid: int) -> None:
    """Let the peak of a process begin now."""
    Path(f"/proc/{pid}/clear_refs").write_text("5", "ascii")


def main() -> None:
    argparse.ArgumentParser(description=__doc__).parse_args()
    with tempfile.TemporaryDirectory() as folder, serving(Path(folder)) as (http, pid):
        print(f"before: {resident_mebibytes(pid):.0f} MiB")
        for name, attack in ATTACKS.items():
            body = attack.body()
            _measure(pid, name, lambda a=attack, b=body: http.post(a.path, content=b, headers=a.headers))
        for page in store_large_jobs(http):
            _measure(pid, page.partition("?")[0][-40:], lambda page=page: http.get(page))
        print(f"after: {resident_mebibytes(pid):.0f} MiB")


def _measure(pid: int, name: str, ask: Callable[[], httpx.Response]) -> None:
    clear_peak(pid)
    try:
        status = str(ask().status_code)
    except httpx.HTTPError as error:
        status = type(error).__name__
    peak, after = peak_mebibytes(pid), resident_mebibytes(pid)
    print(f"  {name:<40} {status:<12} peak {peak:5.0f} MiB, after it {after:5.0f}", flush=True)


@contextmanager
def serving(folder: Path) -> Iterator[tuple[httpx.Client, int]]:
    """Run the API while the block runs; yield a client and the process that answers it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    with EmbeddedServer(folder / "redis") as server:
        environ = {"REDIS_URL": server.url, "ATELIER_STATE_DIR": str(folder)}
        command = [
            "gunicorn",
            "-c",
            "python:api.gunicorn_conf",
            f"--bind=127.0.0.1:{port}",
            "api.wsgi:create()",
        ]
        with running(command, environ, folder / "api.log") as process:
            url = f"http://127.0.0.1:{port}"
            wait_until(lambda: is_reachable(f"{url}/healthz"), "the API")
            with httpx.Client(base_url=url, timeout=CLIENT_SECONDS) as http:
                yield http, with_children(process.pid)[-1]


if __name__ == "__main__":
    main()
