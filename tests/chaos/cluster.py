"""The installation under test: real processes with wrong clocks, proxies before the server, a small disk."""

import sys
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import redis

from atelier.local.redis_server import SERVER_FOLDER, server_url
from atelier.local.stack import RunningStack
from shared.redis.client import Client, connect
from shared.redis.keys import PREFIX
from shared.storage.base import ObjectStore
from shared.storage.object_store import open_object_store
from tests.chaos.bucket import Bucket, running_bucket
from tests.chaos.disk import SmallDisk
from tests.chaos.disturbed import CLOCK_VARIABLE
from tests.chaos.plan import CLOCKED, MODEL_WORKERS, PROXIED, Plan
from tests.chaos.replicated import REPLICAS
from tests.support.http.tcp_proxy import TcpProxy
from tests.support.servers.binaries import usable
from tests.support.servers.sentinels import SentinelGroup

WRAP = (sys.executable, "-m", "tests.chaos.disturbed")
GRACE_SECONDS = 2.0  # of workers: short, so that a SIGTERM gives work back
THREADS = 4  # jobs a worker holds at once


@dataclass(frozen=True, slots=True)
class Workshop:
    """What all runs share on disk."""

    folder: Path
    models: Path  # the model store
    cards: Path  # holds the card of the stand-in model


@dataclass(frozen=True, slots=True)
class Cluster:
    """A running installation and what can be done to it."""

    stack: RunningStack
    proxies: Mapping[str, TcpProxy]  # by process
    disk: SmallDisk | None
    storage: Path
    server: Client  # straight to the server, without a proxy; gives up at once
    group: SentinelGroup | None = None
    bucket: Bucket | None = None  # in place of the storage folder

    def objects(self) -> ObjectStore:
        """Return the storage, as one that no fault concerns sees it."""
        return open_object_store(self.bucket.straight_url if self.bucket else self.storage.as_uri())

    def held_by(self, pid: int) -> dict[str, int]:
        """Return the attempts that a worker process holds: job id to attempt; {} while the server is away."""
        try:
            return self._held_by(pid)
        except redis.RedisError:
            return {}

    def _held_by(self, pid: int) -> dict[str, int]:
        ids = self.server.zrange(f"{PREFIX}leases", 0, -1)
        pipeline = self.server.pipeline(transaction=False)
        for job_id in ids:
            pipeline.hmget(f"{PREFIX}job:{job_id}", "worker", "attempt")
        rows = zip(ids, pipeline.execute(), strict=True)
        return {job_id: int(attempt) for job_id, (worker, attempt) in rows if pid_in(worker or "") == pid}


def pid_in(worker: str) -> int:
    """Return the process id in a worker's id; 0 where there is none."""
    parts = worker.rsplit("-", 2)
    return int(parts[1]) if len(parts) == 3 and parts[1].isdigit() else 0


@contextmanager
def running(plan: Plan, workshop: Workshop, folder: Path) -> Iterator[Cluster]:
    """Run an installation for the length of a block."""
    folder.mkdir(parents=True, exist_ok=True)
    storage = folder / "storage"
    with ExitStack() as block:
        bucket = block.enter_context(running_bucket(folder / "s3")) if plan.scale.has_bucket else None
        url = bucket.url if bucket else storage.as_uri()
        disk = block.enter_context(SmallDisk(storage)) if plan.scale.has_disk else None
        group = block.enter_context(_group(folder)) if plan.scale.has_sentinels else None
        upstream = group.url if group else server_url(folder / "state" / SERVER_FOLDER)
        proxied = () if group else PROXIED
        proxies = {name: block.enter_context(TcpProxy(upstream)) for name in proxied}
        stack = block.enter_context(_stack(plan, workshop, folder, proxies, group, url))
        server = block.enter_context(connect(upstream, timeout_seconds=0.5, retries=0))
        yield Cluster(stack, proxies, disk, storage, server, group, bucket)


def _group(folder: Path) -> SentinelGroup:
    return SentinelGroup(folder / "servers", usable()[-1])


def _stack(
    plan: Plan,
    workshop: Workshop,
    folder: Path,
    proxies: Mapping[str, TcpProxy],
    group: SentinelGroup | None,
    storage_url: str,
) -> RunningStack:
    replicated = {"REDIS_URL": group.url, "ATELIER_REDIS_REPLICAS": str(REPLICAS)} if group else {}
    environ_of = {name: {CLOCK_VARIABLE: f"{plan.clocks.get(name, 0)}"} for name in CLOCKED}
    for name, proxy in proxies.items():
        environ_of[name]["REDIS_URL"] = proxy.url
    return RunningStack(
        folder / "state",
        workers=len(MODEL_WORKERS),
        environ={
            "ATELIER_MODELS_DIR": str(workshop.models),
            "ATELIER_CARDS_DIR": str(workshop.cards),
            "ATELIER_STORAGE_URL": storage_url,
            "ATELIER_JOBS_LEASE_SECONDS": f"{plan.scale.lease_seconds:g}",
            "ATELIER_WORKER_GRACE_SECONDS": f"{GRACE_SECONDS:g}",
            "ATELIER_WORKER_THREADS": str(THREADS),
            "OMP_NUM_THREADS": "1",
            **replicated,
        },
        environ_of=environ_of,
        wrap={name: WRAP for name in CLOCKED},
    )
