"""A request takes memory in proportion to its bytes: attacks on a real API, and its memory at the peak."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer
from bench.processes import peak_mebibytes, resident_mebibytes
from bench.service.hostile_bodies import (
    ATTACKS,
    BATCHES,
    JOBS,
    LINES,
    PAGE_MOST,
    clear_peak,
    store_large_jobs,
)
from tests.support.http.gunicorn_server import Gunicorn, running_gunicorn
from tests.support.http.resident_memory import growth

MEBIBYTE = 1024 * 1024
BODY_MEBIBYTES = 32  # the default
MOST_RESIDENT = 300  # MiB
MOST_KEPT = 80  # MiB more than before, when all attacks are over

pytestmark = pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="reads /proc")


@pytest.fixture(scope="module")
def gunicorn(module_server: EmbeddedServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gunicorn]:
    folder = tmp_path_factory.mktemp("api")
    limits = {"ATELIER_LIMITS_MAX_BODY_MEBIBYTES": str(BODY_MEBIBYTES)}
    with running_gunicorn(module_server.url, folder, **limits) as running:
        running.http.timeout = 120
        running.http.headers["Connection"] = (
            "close"  # making a body may take longer than a connection is kept
        )
        yield running


@pytest.fixture(scope="module")
def large_pages(gunicorn: Gunicorn) -> list[str]:
    """Addresses of pages of the largest jobs that there may be."""
    return store_large_jobs(gunicorn.http)


@pytest.mark.parametrize("name", ATTACKS)
def test_an_attack_takes_little_memory(gunicorn: Gunicorn, name: str) -> None:
    attack, body = ATTACKS[name], ATTACKS[name].body()
    response, taken = growth(
        gunicorn, lambda: gunicorn.http.post(attack.path, content=body, headers=attack.headers)
    )
    assert response.status_code in attack.statuses, response.text[:500]
    assert len(response.content) < MEBIBYTE
    assert taken <= attack.most


@pytest.mark.parametrize("place", range(3))
def test_a_page_of_large_jobs_takes_little_memory(
    gunicorn: Gunicorn, large_pages: list[str], place: int
) -> None:
    response, taken = growth(gunicorn, lambda: gunicorn.http.get(large_pages[place]))
    page = response.json()
    assert page["data"]
    assert page.get("next_cursor") or page.get("next_after") == len(page["data"])
    assert not page.get("done")
    assert len(response.content) < 8 * MEBIBYTE
    assert taken <= PAGE_MOST


@pytest.mark.slow
def test_all_attacks_together_stay_below_the_limit_and_leave_nothing(
    gunicorn: Gunicorn, large_pages: list[str]
) -> None:
    pid = gunicorn.pids()[-1]
    gunicorn.http.get("/healthz")
    clear_peak(pid)
    before = resident_mebibytes(pid)
    for attack in ATTACKS.values():
        gunicorn.http.post(attack.path, content=attack.body(), headers=attack.headers)
    for page in large_pages:
        gunicorn.http.get(page)
    assert peak_mebibytes(pid) <= MOST_RESIDENT
    assert resident_mebibytes(pid) - before <= MOST_KEPT


def test_what_is_allowed_is_taken(gunicorn: Gunicorn) -> None:
    latent = [0.123456] * 100
    job = {"type": "generate", "latents": [latent] * 16}
    assert gunicorn.http.post(JOBS, json=job).status_code == 202
    lines = (json.dumps(job) + "\n").encode() * 100
    response, taken = growth(gunicorn, lambda: gunicorn.http.post(BATCHES, content=lines, headers=LINES))
    assert response.status_code == 202, response.text
    assert taken <= 60
