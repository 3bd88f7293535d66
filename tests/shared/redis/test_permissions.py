"""The server's user with the least rules, which docs/server.md tells."""

import re
import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from shared.identifiers import ANONYMOUS
from shared.jobs.status import Status
from shared.jobs.store import JobStore
from shared.redis import scripts
from shared.redis.client import Client, connect
from shared.redis.permissions import COMMANDS, acl_rules, missing_permissions
from shared.setting_groups import JobRules
from tests.support.jobs.job_steps import submission, submit
from tests.support.servers.binaries import usable
from tests.support.servers.single import running_server

ROOT = Path(__file__).parents[3]
CALLED = re.compile(r"redis\.p?call\('(\w+)'", re.IGNORECASE)


@pytest.fixture(scope="module", params=usable(), ids=lambda binary: binary.name)
def admin(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Client]:
    with running_server(request.param, tmp_path_factory.mktemp("server")) as url, connect(url) as client:
        yield client


def as_user(admin: Client, rules: str) -> Client:
    """Return a client of the server as a user with these rules."""
    admin.execute_command("ACL", "SETUSER", "atelier", "reset", "on", ">secret", *rules.split())
    options = admin.connection_pool.connection_kwargs
    return connect(f"redis://atelier:secret@{options['host']}:{options['port']}/0")


def test_the_least_rules_lack_nothing(admin: Client) -> None:
    with as_user(admin, acl_rules()) as client:
        assert missing_permissions(client) == []
    assert admin.keys("*") == []


@pytest.mark.parametrize("rule", acl_rules().partition("-@all ")[2].split())
def test_each_missing_command_is_named(admin: Client, rule: str) -> None:
    with as_user(admin, acl_rules().replace(f" {rule} ", " ").removesuffix(f" {rule}")) as client:
        assert missing_permissions(client) == [rule]
    assert admin.keys("*") == []


@pytest.mark.parametrize("pattern", ["~atelier:*", "~atelier.*", "~_kombu.binding*"])
def test_each_missing_pattern_is_named(admin: Client, pattern: str) -> None:
    with as_user(admin, acl_rules().replace(f" {pattern} ", " ")) as client:
        assert missing_permissions(client) == [pattern]


def test_the_rules_have_all_that_scripts_call() -> None:
    texts = [path.read_text("utf-8") for folder in scripts._FOLDER.iterdir() for path in folder.iterdir()]
    called = {name.lower() for text in texts for name in CALLED.findall(text)}
    known = {command.split()[0] for command in COMMANDS.replace("\n", "|").split("|") if command}
    assert len(called) > 50
    assert called - known == set()


@pytest.mark.parametrize("lacking", ["", " +ltrim"])
def test_a_job_of_a_version_ends_whether_or_not_its_statistics_can_be_written(
    admin: Client, lacking: str
) -> None:
    admin.flushall()
    with as_user(admin, acl_rules().replace(f"{lacking} ", " ") if lacking else acl_rules()) as client:
        store = JobStore(client, JobRules())
        spec = submission().spec.model_copy(update={"model": "mnist-dcgan@4"})
        job_id = submit(store, spec=spec, work="mnist-dcgan@4:3")
        (job,) = store.claim_next("w")
        store.succeed(job.id, job.attempt, outputs=(), timings={}, model=("4", "digest"))
        assert store.get(job_id, ANONYMOUS).status is Status.SUCCEEDED
        assert client.hgetall("atelier:version:ended:mnist-dcgan@4") == {"succeeded": "1"}
        assert client.zcard("atelier:leases") == 0
    admin.flushall()


def test_the_page_tells_the_same_rules() -> None:
    page = (ROOT / "docs" / "server.md").read_text("utf-8")
    command = re.search(r"^valkey-cli ACL SETUSER .+?(?=\n```)", page, re.MULTILINE | re.DOTALL)
    assert command is not None
    words = shlex.split(command[0].replace("\\\n", " "))
    assert words[:6] == ["valkey-cli", "ACL", "SETUSER", "atelier", "on", ">$PASSWORD"]
    assert words[6:] == acl_rules().split()
