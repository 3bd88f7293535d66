"""A client of a running installation that uploads photos and has them stylized, over HTTP."""

from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from bench.photos import photo, style

CLIENTS = 4  # threads that submit
WAIT_SECONDS = 60


class StylizeClient:
    """Submits jobs for numbered photos and waits for them."""

    def __init__(self, url: str, side: int) -> None:
        self._http = httpx.Client(base_url=url, timeout=2 * WAIT_SECONDS)
        self._side = side
        self._style = self._upload(style())

    def upload(self, first: int, count: int) -> list[str]:
        """Upload photos; return their file ids."""
        return [self._upload(photo(number, self._side)) for number in range(first, first + count)]

    def _upload(self, jpeg: bytes) -> str:
        answer = self._http.post("/v1/files", files={"file": ("photo.jpg", jpeg)})
        return str(answer.raise_for_status().json()["id"])

    def stylize(self, contents: list[str]) -> None:
        """Have uploaded photos stylized; return when the last one is done."""
        with ThreadPoolExecutor(CLIENTS) as pool:
            ids = list(pool.map(self._submit, contents))
        for job_id in ids:
            self._wait(job_id)

    def _submit(self, content: str) -> str:
        body = {"type": "stylize", "content": content, "styles": [{"image": self._style}]}
        return str(self._http.post("/v1/jobs", json=body).raise_for_status().json()["id"])

    def generate(self, seed: int) -> None:
        """Have a digit made."""
        answer = self._http.post("/v1/jobs", json={"type": "generate", "seed": seed})
        self._wait(answer.raise_for_status().json()["id"])

    def _wait(self, job_id: str) -> None:
        job: dict[str, Any] = {"done": False}
        while not job["done"]:
            answer = self._http.get(f"/v1/jobs/{job_id}", params={"wait": WAIT_SECONDS})
            job = answer.raise_for_status().json()
        if job["status"] != "succeeded":
            raise RuntimeError(f"the job {job_id} {job['status']}: {job['error']}")
