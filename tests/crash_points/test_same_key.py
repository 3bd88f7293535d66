"""One Idempotency-Key, many times at once: one job."""

import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import httpx
import pytest

from tests.crash_points import stories
from tests.crash_points.audit import job_ids, stray_keys
from tests.crash_points.installation import Installation
from tests.support.models.light_models import TRANSFORMER

pytestmark = pytest.mark.slow

TIMES = 50


def at_once(send: Callable[[], httpx.Response]) -> list[httpx.Response]:
    """Return the answers to equal requests that are sent at the same moment."""
    start = Barrier(TIMES)

    def go() -> httpx.Response:
        start.wait()
        return send()

    with ThreadPoolExecutor(TIMES) as pool:
        return [future.result() for future in [pool.submit(go) for _ in range(TIMES)]]


def assert_one_job(installation: Installation, known: set[str], answers: list[httpx.Response]) -> None:
    assert {answer.status_code for answer in answers} <= {200, 202}  # 200: it was done meanwhile
    (job_id,) = {answer.json()["id"] for answer in answers}
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert sorted(replayed, key=str) == [None, *["true"] * (TIMES - 1)]
    assert job_ids(installation) - known == {job_id}


def test_fifty_equal_requests_at_once_make_one_job(installation: Installation) -> None:
    known, key = job_ids(installation), uuid.uuid4().hex
    with httpx.Client(base_url=installation.url, headers={"Idempotency-Key": key}, timeout=60) as http:
        answers = at_once(lambda: http.post("/v1/jobs", json=stories.DRAWING))
    assert_one_job(installation, known, answers)


def test_fifty_equal_forms_at_once_make_one_job_and_store_one_picture(installation: Installation) -> None:
    known, key, content = job_ids(installation), uuid.uuid4().hex, stories.fresh_picture()
    stored, strays = set(installation.objects.keys("inputs/")), stray_keys(installation)
    with httpx.Client(base_url=installation.url, headers={"Idempotency-Key": key}, timeout=60) as http:
        form, files = {"model": TRANSFORMER}, {"content": content}
        answers = at_once(lambda: http.post("/v1/jobs/transform", data=form, files=files))
    assert_one_job(installation, known, answers)
    assert len(set(installation.objects.keys("inputs/")) - stored) == 1
    assert stray_keys(installation) <= strays


def test_fifty_puts_under_one_id_at_once_make_one_job(installation: Installation) -> None:
    known, job_id = job_ids(installation), f"mine-{uuid.uuid4().hex}"
    with httpx.Client(base_url=installation.url, timeout=60) as http:
        answers = at_once(lambda: http.put(f"/v1/jobs/{job_id}", json=stories.DRAWING))
    assert_one_job(installation, known, answers)
