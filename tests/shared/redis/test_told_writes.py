"""What a client is told to be so waits for the replicas that must have it: whatever writes it."""

import ast
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from atelier.local.redis_server import EmbeddedServer
from shared.errors import StoreUnavailable
from shared.fleet import Fleet
from shared.identifiers import ANONYMOUS
from shared.jobs.store import JobStore
from shared.owners.quota import NO_QUOTAS, QuotaStore
from shared.pauses.model_limits import ModelLimits
from shared.pauses.store import PauseDraft, PauseStore
from shared.redis import scripts
from shared.redis.client import Client, connect
from shared.redis.scripts import Scripts, names
from shared.rollouts.store import RolloutStore
from shared.setting_groups import JobRules, RedisRules
from shared.webhooks.store import Deliveries, WebhookSecrets
from shared.workers import ReloadRequest, Worker, WorkerRoster
from tests.support.jobs.job_steps import submit

ROOT = Path(__file__).parents[3]
WRITES = {
    "set", "setex", "setnx", "setbit", "hset", "hsetnx", "hdel", "hincrby", "delete", "unlink", "zadd",
    "zrem", "sadd", "srem", "rpush", "lpush", "lpop", "rpop", "incr", "incrby", "decr", "expire", "pexpire",
    "persist", "rename", "xadd", "ltrim",
}  # fmt: skip
# Plain writes that no client is told of: notes of processes for themselves, and a restore.
UNTOLD = {
    "shared/actions/runner.py": {"zrem"},
    "shared/backup/record_copy.py": {"hset", "set", "sadd", "zadd", "rpush", "xadd", "pexpire", "unlink"},
    "shared/backup/snapshot.py": {"set"},
    "shared/maintenance/garbage.py": {"zadd", "zrem"},
    "shared/maintenance/reaper.py": {"set"},
    "shared/redis/scripts.py": {"set"},
    "shared/storage/identity.py": {"set", "delete", "persist"},
    "shared/transfers/store.py": {"zadd"},
    "shared/workers.py": {"srem"},
    "api/routes/health.py": {"set"},
}
Act = Callable[[Scripts], object]


def _end_pause(writer: Scripts) -> None:
    store = PauseStore(writer)
    store.end(store.all()[0].id)


ACTS: dict[str, Act] = {
    "a rollout": lambda writer: RolloutStore(writer).begin("m", "2", 0.5, current="1", by=ANONYMOUS),
    "the end of a rollout": lambda writer: RolloutStore(writer).end("rolled-out"),
    "a quota": lambda writer: QuotaStore(writer, NO_QUOTAS).set("ada", {"queued": 5, "running": None}),
    "a limit": lambda writer: ModelLimits(writer).set("m", 2),
    "the end of a limit": lambda writer: ModelLimits(writer).set("m", None),
    "the end of a pause": _end_pause,
    "the first secret": lambda writer: WebhookSecrets(writer).current(),
    "a new secret": lambda writer: WebhookSecrets(writer).renew(),
    "a request to load models": lambda writer: ReloadRequest(writer).make(),
    "a cordon": lambda writer: Fleet(writer.client).cordon("w", by=ANONYMOUS),
    "the end of a cordon": lambda writer: Fleet(writer.client).uncordon("w"),
}


@pytest.fixture
def copied(server: EmbeddedServer) -> Iterator[Client]:
    """A client for what a replica must have, of a server that has none."""
    with connect(server.url, rules=RedisRules(replicas=1, replica_seconds=0.05)) as client:
        yield client


@pytest.fixture
def known(redis_client: Client) -> Scripts:
    """What was made before."""
    plain = Scripts(redis_client)
    RolloutStore(plain).begin("rolled-out", "2", 0.5, current="1", by=ANONYMOUS)
    PauseStore(plain).create(PauseDraft("an example", ANONYMOUS), for_service=True)
    WorkerRoster(redis_client).announce(Worker("w-1-a", 1, ()))
    return plain


@pytest.mark.parametrize("what", ACTS)
def test_what_no_replica_has_is_not_told_to_be_so(copied: Client, known: Scripts, what: str) -> None:
    with pytest.raises(StoreUnavailable) as caught:
        ACTS[what](Scripts(copied))
    assert caught.value.inside == "0 of 1 replicas have it"


@pytest.mark.parametrize("what", ACTS)
def test_without_replicas_all_of_it_is_done_at_once(known: Scripts, what: str) -> None:
    ACTS[what](known)


def test_a_delivery_that_goes_out_again_waits_too(copied: Client) -> None:
    with pytest.raises(StoreUnavailable):
        Deliveries(JobStore(copied, JobRules())).redeliver("msg_none", ANONYMOUS)


def test_moves_of_workers_and_reads_wait_for_no_replica(copied: Client, store: JobStore) -> None:
    submit(store)
    replicated = JobStore(copied, store.rules)
    (job,) = replicated.claim_next("w")
    assert replicated.beat([(job.id, job.attempt)]) == ["ok"]
    replicated.release(job.id, job.attempt)
    assert WorkerRoster(copied).live() == ()


def test_a_secret_that_is_there_waits_for_no_replica(copied: Client, known: Scripts) -> None:
    secrets = WebhookSecrets(known).renew()
    assert WebhookSecrets(Scripts(copied)).current() == secrets


def test_scripts_that_are_not_told_of_are_there() -> None:
    assert set(names()) >= scripts._UNTOLD | scripts._READS | scripts._TAKES_NEW_WORK
    assert not scripts._UNTOLD & (scripts._READS | scripts._TAKES_NEW_WORK)


def plain_writes(path: Path) -> set[str]:
    """Return the commands that a module sends itself, and that write: not by a script."""
    calls = (node.func for node in ast.walk(ast.parse(path.read_text("utf-8"))) if isinstance(node, ast.Call))
    methods = [call for call in calls if isinstance(call, ast.Attribute) and call.attr in WRITES]
    return {call.attr for call in methods if ast.unparse(call.value).endswith(("client", "pipe", "pipeline"))}


def test_what_is_told_is_written_by_scripts() -> None:
    modules = [path for tree in ("api", "shared") for path in sorted((ROOT / tree).rglob("*.py"))]
    found = {str(path.relative_to(ROOT)): plain_writes(path) for path in modules}
    assert {name: writes for name, writes in found.items() if writes} == UNTOLD
