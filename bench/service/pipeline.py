"""Stylization through the whole service against the bare model in a loop, in pictures a second.

The service gets uploaded photos as jobs over HTTP and stores encoded files; the loop has decoded photos in
memory and keeps no results. They take turns, the others idle. The loop runs with the number of threads
that TensorFlow chooses or with one, whichever is faster here. The limit is a loop with one thread for each
core, all at once: the most that these cores give to the network. Where others use the machine too, compare
processor time, of which each process's is printed.

Usage: python -m bench.service.pipeline [--side PIXELS] [--rounds N] [--round-size N]
"""

import argparse
import http.client
import json
import statistics
import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue
from time import process_time
from typing import Any
from urllib.parse import urlsplit

import httpx

from atelier.local.stack import RunningStack
from bench.loops import Limit, Loop, fastest
from bench.measuring import Goal, Table, timed
from bench.photos import photo, style
from bench.processes import cpu_seconds, with_children

CLIENTS = 4  # connections, and threads that submit
WAIT_SECONDS = 60
GOAL = Goal(0.85, at_least=True)
LIMIT_GOALS = {384: Goal(0.78, at_least=True), 1024: Goal(0.92, at_least=True)}  # by side, pixels
TRIAL = 20  # photos to choose the loop's threads by


class StylizeClient:
    """Submits jobs for numbered photos and waits for them."""

    def __init__(self, url: str, side: int) -> None:
        self._url = url
        self._side = side
        host = urlsplit(url).netloc
        self._all = [http.client.HTTPConnection(host, timeout=2 * WAIT_SECONDS) for _ in range(CLIENTS)]
        self._free: SimpleQueue[http.client.HTTPConnection] = SimpleQueue()
        for connection in self._all:
            self._free.put(connection)
        self._style = self._upload(style())

    def upload(self, first: int, count: int) -> list[str]:
        """Upload photos; return their file ids."""
        return [self._upload(photo(number, self._side)) for number in range(first, first + count)]

    def _upload(self, jpeg: bytes) -> str:
        response = httpx.post(f"{self._url}/v1/files", files={"file": ("photo.jpg", jpeg)})
        return str(response.raise_for_status().json()["id"])

    def stylize(self, contents: list[str]) -> None:
        """Have uploaded photos stylized; return when the last one is done."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            ids = list(pool.map(self._submit, contents))
        for job_id in ids:
            self._wait(job_id)
        self._hang_up()

    def _hang_up(self) -> None:
        """Close the connections before the service does: the next round opens them again."""
        for connection in self._all:
            connection.close()

    def _submit(self, content: str) -> str:
        body = {"type": "stylize", "content": content, "styles": [{"image": self._style}]}
        return str(self._ask("POST", "/v1/jobs", body)["id"])

    def generate(self, seed: int) -> None:
        """Have a digit made."""
        self._wait(str(self._ask("POST", "/v1/jobs", {"type": "generate", "seed": seed})["id"]))

    def _wait(self, job_id: str) -> None:
        job: Mapping[str, Any] = {"done": False}
        while not job["done"]:
            job = self._ask("GET", f"/v1/jobs/{job_id}?wait={WAIT_SECONDS}")
        if job["status"] != "succeeded":
            raise RuntimeError(f"the job {job_id} {job['status']}: {job['error']}")

    def _ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        connection = self._free.get()
        try:
            text = None if body is None else json.dumps(body)
            connection.request(method, path, text, {"Content-Type": "application/json"} if text else {})
            response = connection.getresponse()
            data: dict[str, Any] = json.loads(response.read())
        finally:
            self._free.put(connection)
        if response.status >= httpx.codes.BAD_REQUEST:
            raise RuntimeError(f"{method} {path}: {response.status} {data}")
        return data


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--side", type=int, default=384, help="of the photos, in pixels")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--round-size", type=int, default=200, help="photos a round")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, RunningStack(Path(folder)) as stack:
        compare(stack, arguments.side, arguments.rounds, arguments.round_size).print()


@dataclass(frozen=True, slots=True)
class Round:
    """The turn of one contender."""

    rate: float  # pictures a second
    cpu: Mapping[str, float]  # seconds of processor time a picture, by process


def compare(stack: RunningStack, side: int, rounds: int, size: int) -> Table:
    """Take turns and compare the pictures a second of each pair of rounds."""
    table = Table(f"Stylization at {side} x {side}, {rounds} rounds of {size} photos each way")
    client = StylizeClient(stack.url, side)
    contents = client.upload(0, rounds * size)
    client.stylize(client.upload(rounds * size, TRIAL))
    with ExitStack() as processes:
        trial = [(number,) for number in range(TRIAL)]
        bare, threads = fastest(processes, "bare-stylizer", stack.folder / "models", side, trial=trial)
        limit = processes.enter_context(Limit("bare-stylizer", stack.folder / "models", side))
        limit.seconds(trial)
        alone, through, most = [], [], []
        for start in range(0, rounds * size, size):
            alone.append(_alone(bare, start, size))
            most.append(_limit(limit, start, size))
            through.append(_through(stack, client, contents[start : start + size]))
    _report(table, f"bare model, {threads or 'default'} threads", alone)
    _report(table, "through the service", through)
    ratios = [ours.rate / theirs.rate for ours, theirs in zip(through, alone, strict=True)]
    table.add("service / bare model: median", statistics.median(ratios), "x", GOAL)
    table.add("service / bare model: worst round", min(ratios), "x")
    table.add("service / bare model: best round", max(ratios), "x")
    _report(table, limit.name, most)
    shares = [ours.rate / theirs.rate for ours, theirs in zip(through, most, strict=True)]
    table.add("service / limit: median", statistics.median(shares), "x", LIMIT_GOALS.get(side))
    spent = [_total(theirs) / _total(ours) for ours, theirs in zip(through, most, strict=True)]
    table.add("limit / service, processor time: median", statistics.median(spent), "x")
    return table


def _alone(bare: Loop, first: int, count: int) -> Round:
    before = cpu_seconds(bare.pid)
    seconds = bare.seconds([(number,) for number in range(first, first + count)])
    return Round(count / seconds, {"loop": (cpu_seconds(bare.pid) - before) / count})


def _limit(limit: Limit, first: int, count: int) -> Round:
    before = cpu_seconds(*limit.pids)
    seconds = limit.seconds([(number,) for number in range(first, first + count)])
    return Round(count / seconds, {"loops": (cpu_seconds(*limit.pids) - before) / count})


def _through(stack: RunningStack, client: StylizeClient, contents: list[str]) -> Round:
    before = _spent(stack)
    seconds = timed(lambda: client.stylize(contents))
    spent = {name: (after - before[name]) / len(contents) for name, after in _spent(stack).items()}
    return Round(len(contents) / seconds, spent)


def _spent(stack: RunningStack) -> dict[str, float]:
    """Return the processor time of each process, and of this one, which is the client."""
    times = {name: cpu_seconds(*with_children(pid)) for name, pid in stack.processes().items()}
    return {**times, "client": process_time()}


def _total(each: Round) -> float:
    return sum(each.cpu.values())


def _report(table: Table, name: str, rounds: list[Round]) -> None:
    table.add(f"{name}: median", statistics.median(each.rate for each in rounds), "/s")
    milliseconds = 1000 * statistics.median(map(_total, rounds))
    table.add(f"{name}: processor time a picture", milliseconds, "ms")
    for part in rounds[0].cpu if len(rounds[0].cpu) > 1 else ():
        table.add(f"  of which {part}", 1000 * statistics.median(each.cpu[part] for each in rounds), "ms")


if __name__ == "__main__":
    main()
