"""The version before and this one on one server: upgraded and rolled back under load, and no job is lost."""

import signal
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.cards.card import load_catalog
from shared.jobs.record import RECORD_SCHEMA
from shared.redis.client import Client, connect
from shared.workers import WorkerRoster
from tests.conftest import emptied
from tests.support.models.light_models import GENERATOR, write_cards
from tests.support.releases import API, HERE, LIGHT_WORKER, Processes, processes, tree_of
from tests.support.waiting import eventually
from worker.models.store import ModelStore

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

BEFORE = "233bd7194249710694352134723725cdb9c3fa12"  # the last commit that writes schema 6
PINNED = f"{GENERATOR}@1"
SINGLES, ITEMS = 6, 12  # of one load


@dataclass
class Site:
    """One server, the processes on it, and all that was accepted."""

    runs: Processes
    old: Path  # the tree of the version before
    redis: Client
    jobs: list[str] = field(default_factory=list)
    batches: list[str] = field(default_factory=list)

    def load(self, api: httpx.Client) -> None:
        """Submit jobs and a batch."""
        self.jobs += [self.submit(api, seed=seed) for seed in range(SINGLES)]
        items = [{"type": "generate", "model": GENERATOR, "seed": seed} for seed in range(ITEMS)]
        self.batches.append(api.post("/v1/batches", json={"items": items}).raise_for_status().json()["id"])

    def submit(self, api: httpx.Client, model: str = GENERATOR, **how: Any) -> str:
        body = {"type": "generate", "model": model, **how}
        return str(api.post("/v1/jobs", json=body).raise_for_status().json()["id"])

    def serves(self, name: str) -> bool:
        pid = self.runs.running[name].pid
        return any(f"-{pid}-" in worker.id for worker in WorkerRoster(self.redis).live())

    def status(self, job_id: str) -> str:
        return str(self.redis.hget(f"atelier:job:{job_id}", "status"))

    def are_done(self, jobs: list[str]) -> bool:
        return all(self.status(job_id) == "succeeded" for job_id in jobs)

    def ends(self, job_id: str) -> int:
        """How often the events of a job say that it is over."""
        told = [fields["data"] for _, fields in self.redis.xrange(f"atelier:events:{job_id}")]
        return sum(word in data for data in told for word in ("succeeded", "failed", "canceled", "expired"))


@pytest.fixture
def site(session_server: EmbeddedServer, tmp_path: Path) -> Iterator[Site]:
    cards, models = tmp_path / "cards", tmp_path / "models"
    old = tree_of(BEFORE, tmp_path / "before")
    write_cards(cards)
    (cards / "saved_model.pb").touch()  # the cards name their own folder as the model's
    for card in load_catalog(cards):
        if card.preload:
            ModelStore(models).pull(card)
    server = emptied(session_server)
    environ = {
        "REDIS_URL": server.url,
        "ATELIER_STORAGE_URL": (tmp_path / "storage").as_uri(),
        "ATELIER_MODELS_DIR": str(models),
        "ATELIER_CARDS_DIR": str(cards),
        "ATELIER_JOBS_LEASE_SECONDS": "2",
        "ATELIER_WORKER_GRACE_SECONDS": "3",
    }
    (tmp_path / "runs").mkdir()
    with processes(tmp_path / "runs", environ) as runs, connect(server.url) as redis:
        yield Site(runs, old, redis)


def test_an_upgrade_and_a_rollback_lose_no_job(site: Site) -> None:
    new_api = upgrade(site)
    plain, pinned = roll_back(site, new_api)
    assert new_api.get(f"/v1/jobs/{pinned[0]}").json()["queue"]["reason"] == "needs_newer_worker"
    site.runs.start("new-worker", HERE, LIGHT_WORKER)
    every = [*site.jobs, *plain, *pinned]
    eventually(lambda: site.are_done(every))
    eventually(lambda: all(_is_done(new_api, batch) for batch in site.batches))

    assert {site.ends(job_id) for job_id in every} == {1}
    for batch in site.batches:
        counts = new_api.get(f"/v1/batches/{batch}").json()["counts"]
        assert (counts["total"], counts["succeeded"]) == (ITEMS, ITEMS)
    listed = new_api.get("/v1/jobs?limit=200").json()["data"]
    assert sorted(job["id"] for job in listed) == sorted(every)


def upgrade(site: Site) -> httpx.Client:
    """Replace the workers first, then the API; return the new one."""
    runs = site.runs
    runs.start("old-api", site.old, API)
    runs.start("old-worker", site.old, LIGHT_WORKER)
    runs.start("new-worker", HERE, LIGHT_WORKER)
    runs.start("new-api", HERE, API)
    old_api = runs.api("old-api")
    eventually(lambda: site.serves("old-worker"))
    site.load(old_api)
    eventually(lambda: site.serves("new-worker"))
    site.load(old_api)
    runs.stop("old-worker", signal.SIGKILL)
    site.load(old_api)
    new_api = runs.api("new-api")
    site.load(new_api)
    site.load(old_api)
    runs.stop("old-api")
    return new_api


def roll_back(site: Site, new_api: httpx.Client) -> tuple[list[str], list[str]]:
    """Go back, the API first, while jobs wait that only the new version can run; its API is not asked then.

    Return jobs that the old version ran, and those that wait.
    """
    runs = site.runs
    pause = new_api.post("/v1/pauses", json={"reason": "a rollback"}).raise_for_status().json()["id"]
    pinned = [site.submit(new_api, PINNED) for _ in range(3)]
    assert {site.redis.hget(f"atelier:job:{job_id}", "schema") for job_id in pinned} == {str(RECORD_SCHEMA)}
    runs.start("old-api", site.old, API)
    runs.start("old-worker", site.old, LIGHT_WORKER)
    old_api = runs.api("old-api")
    eventually(lambda: site.serves("old-worker"))
    runs.stop("new-worker")
    plain = [site.submit(old_api) for _ in range(3)]
    old_api.delete(f"/v1/pauses/{pause}").raise_for_status()
    eventually(lambda: site.are_done(plain))
    assert {site.status(job_id) for job_id in pinned} == {"queued"}
    told = old_api.get(f"/v1/jobs/{pinned[0]}")
    assert (told.status_code, told.json()["code"]) == (503, "record_too_new")
    return plain, pinned


def _is_done(api: httpx.Client, batch: str) -> bool:
    return bool(api.get(f"/v1/batches/{batch}").json()["done"])
