"""`atelier quota` and `atelier usage`."""

import csv
import json
from datetime import timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError
from atelier.local.redis_server import EmbeddedServer
from shared.owners.usage import UsageStore
from tests.support.jobs.fake_worker import FakeWorker


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


@pytest.fixture
def installation(monkeypatch: pytest.MonkeyPatch, server: EmbeddedServer, tmp_path: Path) -> None:
    monkeypatch.setenv("REDIS_URL", server.url)
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path))


@pytest.mark.usefixtures("installation")
def test_limits_are_set_shown_and_taken_back(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    assert run("quota", "set", "shop", "--queued", "500", "--stored-bytes", "10G").exit_code == 0
    assert services.quotas.read("shop").own == {"queued": 500, "stored_bytes": 10_000_000_000}
    monkeypatch.setenv("ATELIER_QUOTA_RUNNING", "3")
    told = json.loads(run("quota", "set", "shop", "--queued", "default", "--json").stdout)
    assert (told["own"], told["limits"]["queued"], told["limits"]["running"]) == (
        {"stored_bytes": 10_000_000_000}, 0, 3,
    )  # fmt: skip
    assert "10,000,000,000" in run("quota", "show", "shop").stdout


@pytest.mark.usefixtures("installation")
def test_a_weight_is_set_shown_and_taken_back(services: Services) -> None:
    assert json.loads(run("quota", "set", "shop", "--weight", "3", "--json").stdout)["weight"] == 3
    assert services.quotas.read("shop").weight == 3
    assert json.loads(run("quota", "show", "shop", "--json").stdout)["own"] == {"weight": 3}
    (shown,) = (line.split() for line in run("quota", "show", "shop").stdout.splitlines() if "weight" in line)
    assert shown[:2] == ["weight", "3"]
    assert (
        "weight" not in json.loads(run("quota", "set", "shop", "--weight", "default", "--json").stdout)["own"]
    )
    assert services.quotas.read("shop").weight == 1


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("weight", ["0", "101", "1k", "-1", ""])
def test_a_weight_is_from_1_to_100(weight: str) -> None:
    result = run("quota", "set", "shop", "--weight", weight)
    assert (result.exit_code, "1 to 100" in result.stderr) == (2, True)


@pytest.mark.usefixtures("installation")
@pytest.mark.parametrize("limit", ["-1", "10g", "", "9007199254740992", "1.5M", "\u0663"])
def test_what_is_no_limit_is_refused(limit: str) -> None:
    assert run("quota", "set", "shop", "--queued", limit).exit_code == 2


def test_usage_comes_as_a_table_as_csv_and_to_programs(
    client: Client, worker: FakeWorker, services: Services
) -> None:
    assert "No job" in run("usage", "--url", client.base_url).stderr
    worker.run(client.jobs.create({"type": "generate", "seed": 7}).id)
    (row,) = csv.DictReader(run("usage", "--csv", "--url", client.base_url).stdout.splitlines())
    assert (row["owner"], row["key"], row["model"], row["jobs"]) == ("anonymous", "", "mnist-dcgan", "1")
    assert "mnist-dcgan" in run("usage", "--url", client.base_url).stdout
    today = UsageStore(services.store.scripts).today()
    (entry,) = client.usage(since=today - timedelta(days=70))
    assert (entry.day, entry.pixels, entry.bytes) == (today, 28 * 28, 4096)
    assert client.usage(until=today - timedelta(days=1)) == ()


def test_the_client_sets_and_reads_what_an_owner_may_have(client: Client) -> None:
    assert client.set_quota("shop", running=4, weight=3).own["weight"] == 3
    told = client.quota("shop")
    assert (told.owner, told.limits["running"], told.used["queued"], told.weight) == ("shop", 4, 0, 3)
    assert client.set_quota("shop", queued=5).weight == 1, "what is left out is as by default"
    assert client.quota().owner == "anonymous"
    with pytest.raises(ApiError) as caught:
        client.set_quota("shop", weight=101)
    assert caught.value.status == 422
