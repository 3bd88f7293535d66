"""Gathers the facts of a run that has settled: records and events from the server, bytes from the API."""

import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx

from shared.identifiers import sha256
from shared.jobs.record import unpacked
from shared.redis.keys import PREFIX
from shared.workers import name_of
from tests.chaos.clients.ledger import Ledger
from tests.chaos.clients.requests import JobRequest
from tests.chaos.cluster import Cluster, pid_in
from tests.chaos.judging.facts import BatchFacts, Claim, Facts, Happening, JobFacts, Outcome
from tests.chaos.plan import Plan

READERS = 8


def gather(cluster: Cluster, plan: Plan, ledger: Ledger, calm: Mapping[str, Outcome]) -> Facts:
    """Read everything that the ledger names, and what lies in storage."""
    ids = {job_id for entry in ledger.entries.values() for job_id in entry.ids}
    with httpx.Client(base_url=cluster.stack.url, timeout=20) as http, ThreadPoolExecutor(READERS) as pool:
        jobs = {job.id: job for job in pool.map(lambda job_id: read_job(cluster, http, job_id), sorted(ids))}
        batches = {name: _read_batch(http, name) for batch in ledger.batches.values() for name in batch.ids}
    return Facts(
        plan,
        ledger.entries,
        jobs,
        calm,
        _stored(cluster),
        _doomed(cluster),
        ledger.batches,
        batches,
        ledger.actions,
        tuple(ledger.held),
    )


def read_job(cluster: Cluster, http: httpx.Client, job_id: str) -> JobFacts:
    """Read one job: its view and bytes over HTTP, its record and events from the server itself."""
    response = http.get(f"/v1/jobs/{job_id}")
    raw = unpacked(cluster.server.hgetall(f"{PREFIX}job:{job_id}"))
    if not raw:
        return JobFacts(job_id, response.status_code, "")
    outputs = json.loads(raw.get("outputs") or "[]")
    entries = cluster.server.xrange(f"{PREFIX}events:{job_id}")
    return JobFacts(
        id=job_id,
        response=response.status_code,
        status=raw["status"],
        **{name: int(raw[name]) for name in ("attempt", "released", "failures", "crashes")},
        error=json.loads(raw["error"])["code"] if raw["status"] == "failed" and raw.get("error") else "",
        outputs=tuple(output["sha256"] for output in outputs),
        served=tuple(_served(http, job_id, response)),
        keys=tuple(output["key"] for output in outputs),
        events=tuple(Happening(i, entry["event"], json.loads(entry["data"])) for i, entry in entries),
        claims=tuple(_claims(raw)),
        completed=int(raw["completed_at"]) if raw.get("completed_at") else None,
    )


def _read_batch(http: httpx.Client, batch_id: str) -> BatchFacts:
    response = http.get(f"/v1/batches/{batch_id}")
    if not response.is_success:
        return BatchFacts(batch_id, response.status_code)
    view = response.json()
    finished = [line["id"] for line in _lines(http, batch_id)]
    return BatchFacts(batch_id, response.status_code, view["status"], view["counts"], tuple(finished))


def _lines(http: httpx.Client, batch_id: str) -> Iterable[dict[str, Any]]:
    manifest = http.get(f"/v1/batches/{batch_id}/results.jsonl").raise_for_status()
    return map(json.loads, manifest.text.splitlines())


def _served(http: httpx.Client, job_id: str, response: httpx.Response) -> Iterable[str]:
    if not response.is_success:
        return
    for index, _ in enumerate(response.json()["outputs"] or ()):
        got = http.get(f"/v1/jobs/{job_id}/outputs/{index}")
        yield sha256(got.content) if got.is_success else f"HTTP {got.status_code}"


def _claims(raw: Mapping[str, str]) -> Iterable[Claim]:
    """The record names every ended attempt, and the one that runs or ended last."""
    past: list[dict[str, Any]] = json.loads(raw.get("history") or "[]")
    known = {int(attempt["started_at"]): attempt["worker"] or "" for attempt in past}
    if raw.get("worker") and raw.get("started_at"):
        known[int(raw["started_at"])] = raw["worker"]
    return [Claim(started, pid_in(worker), name_of(worker)) for started, worker in sorted(known.items())]


def _stored(cluster: Cluster) -> frozenset[str]:
    return frozenset(cluster.objects().keys("outputs/"))


def _doomed(cluster: Cluster) -> tuple[str, ...]:
    return tuple(cluster.server.zrange(f"{PREFIX}garbage", 0, -1))


def carry_out_calmly(url: str, plan: Plan) -> dict[str, Outcome]:
    """Run every harmless request once, with nothing else going on; return what each gave."""
    with httpx.Client(base_url=url, timeout=60) as http, ThreadPoolExecutor(READERS) as pool:
        for request in plan.pool.harmless:
            for data in request.pictures.values():
                http.post("/v1/files", files={"file": data}).raise_for_status()
        requests = plan.pool.harmless
        return dict(
            zip((w.name for w in requests), pool.map(lambda w: _calm(http, w), requests), strict=True)
        )


def _calm(http: httpx.Client, request: JobRequest) -> Outcome:
    parent = http.post("/v1/jobs", json=dict(request.parent.body)).json()["id"] if request.parent else ""
    job = http.post("/v1/jobs", json=request.asked(parent)).raise_for_status().json()
    while not job["done"]:
        job = http.get(f"/v1/jobs/{job['id']}", params={"wait": "20"}).raise_for_status().json()
    if job["status"] != "succeeded":
        raise RuntimeError(f"a calm run failed: {job}")
    return tuple(_served(http, job["id"], http.get(f"/v1/jobs/{job['id']}")))


def forget_calm_jobs(url: str) -> None:
    """Delete what the calm run made, so that only the ledger's jobs are left."""
    with httpx.Client(base_url=url, timeout=20) as http:
        while jobs := http.get("/v1/jobs", params={"limit": "100"}).raise_for_status().json()["data"]:
            for job in jobs:
                http.delete(f"/v1/jobs/{job['id']}").raise_for_status()
