"""A client of a running installation that has photos stylized over HTTP, and takes little time itself."""

import http.client
import json
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from queue import SimpleQueue
from typing import Any
from urllib.parse import urlsplit

import httpx

from bench.photos import photo, style

CLIENTS = 4  # connections, and threads that submit
WAIT_SECONDS = 60


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
