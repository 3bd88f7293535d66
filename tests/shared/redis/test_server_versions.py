"""The servers that this machine has: each carries a whole story of jobs, and those that cannot are refused.

`python -m tests.support.servers` runs all tests of the store on each.
"""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from shared.batches.store import BatchStore
from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.queue.celery_app import make_celery, queue_of
from shared.queue.job_queue import JobQueue
from shared.redis.client import Client, connect
from shared.redis.scripts import Scripts
from shared.redis.server_check import check_server, server_fault, server_name
from shared.setting_groups import BatchRules, JobRules
from shared.settings import Settings, SettingsError
from shared.specs.parts import Lane
from tests.support.jobs.batch_steps import begin, counts, drain, finish
from tests.support.jobs.job_steps import claim, status, submit
from tests.support.servers.binaries import Binary, binaries, usable
from tests.support.servers.sentinels import free_ports
from tests.support.servers.single import running_server

CURRENT = usable()[-1]


@pytest.fixture(scope="module", params=usable(), ids=lambda binary: binary.name)
def any_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Binary, str]]:
    binary: Binary = request.param
    with running_server(binary, tmp_path_factory.mktemp("server")) as url:
        yield binary, url


@pytest.fixture
def any_client(any_server: tuple[Binary, str]) -> Iterator[Client]:
    with connect(any_server[1]) as client:
        yield client


def test_every_script_loads(any_client: Client) -> None:
    scripts = Scripts(any_client)
    for script in scripts._scripts.values():
        assert any_client.script_load(script.script) == script.sha


def test_jobs_and_batches_go_their_way(any_server: tuple[Binary, str], any_client: Client) -> None:
    store = JobStore(any_client, JobRules())
    batches = BatchStore(store, BatchRules())
    job_id = submit(store)
    finish(store, claim(store, job_id))
    batch_id = begin(batches, 3)
    batches.finalize(batch_id, ANONYMOUS)
    for item in drain(store):
        finish(store, item)
    assert status(store, job_id) is Status.SUCCEEDED
    assert counts(batches, batch_id) == {"total": 3, "succeeded": 3}
    store.reap()
    store.settle()


def test_a_doorbell_reaches_celery(any_server: tuple[Binary, str], any_client: Client) -> None:
    app = make_celery(Settings(redis_url=any_server[1]))
    JobQueue(app, any_client).notify("job_1", Lane.BULK)
    with app.connection_for_read() as connection:
        message = connection.default_channel.basic_get(queue_of(Lane.BULK), no_ack=True)
    assert message.headers["argsrepr"] == "('job_1',)"
    app.close()


def test_a_server_that_does_is_let_in_and_named(any_server: tuple[Binary, str], any_client: Client) -> None:
    check_server(any_client)
    assert server_name(any_client) == any_server[0].name


@pytest.mark.parametrize(
    ("version", "is_refused"),
    [("6.2.21", True), ("6.9", True), ("7.0.0", False), ("10.1", False), ("", False)],
)
def test_a_version_before_7_is_refused(version: str, *, is_refused: bool) -> None:
    client = SimpleNamespace(info=lambda section: {"redis_mode": "standalone", "redis_version": version})
    assert bool(server_fault(client)) is is_refused


def test_an_old_server_is_refused(tmp_path: Path) -> None:
    old = [binary for binary in binaries() if binary not in usable()]
    if not old:
        pytest.skip("needs a server before version 7, which TEST_SERVERS may name")
    text = r"^REDIS_URL names a server of version 6\.\S+: .* Redis 7\.0"
    with running_server(old[0], tmp_path) as url, pytest.raises(SettingsError, match=text):
        check_server(connect(url))


def test_a_server_in_cluster_mode_is_refused(tmp_path: Path) -> None:
    text = "^REDIS_URL names a server in cluster mode"
    options = ("--cluster-enabled", "yes", "--cluster-port", str(free_ports(1)[0]))
    with running_server(CURRENT, tmp_path, *options) as url, pytest.raises(SettingsError, match=text):
        check_server(connect(url))


@pytest.mark.parametrize("name", ["redis_mode", "server_mode"])
def test_a_sentinel_is_not_taken_for_the_server(name: str) -> None:
    client = SimpleNamespace(info=lambda section: {name: "sentinel", "redis_version": "7.2.4"})
    assert server_fault(client).startswith("REDIS_URL names a Sentinel")


def test_a_server_that_is_away_is_let_in() -> None:
    check_server(connect("redis://127.0.0.1:1", timeout_seconds=0.2, retries=0))
