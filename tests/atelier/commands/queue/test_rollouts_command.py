"""`atelier models versions`, `rollout`, `rollback`, and `client.models`, against the service."""

import json

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.errors import ApiError
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.models.versions import NAME, NEW, OLD, THERE, write_version


@pytest.fixture(autouse=True)
def beside(services: Services) -> FakeWorker:
    write_version(services.settings.cards)
    worker = FakeWorker(services)
    worker.announce(NAME, available=THERE, versions=(OLD, NEW))
    return worker


def run(url: str, *words: str) -> Result:
    return CliRunner().invoke(main, ["--url", url, "models", *words], env={"COLUMNS": "80"})


def test_a_version_is_rolled_out_watched_and_taken_back(url: str, client: Client, beside: FakeWorker) -> None:
    made = run(url, "rollout", NAME, "--to", "5", "--share", "100%")
    assert (made.exit_code, "100% of the new jobs of mnist-dcgan get version 5" in made.stdout) == (0, True)
    job = client.jobs.create({"type": "generate"})
    assert (job.raw["input"]["model"], job.raw["model"]["version"]) == (NEW, "5")
    beside.run(job.id)
    shown = run(url, "versions", NAME).stdout
    assert (OLD in shown, NEW in shown, "100%" in shown) == (True, True, True)
    raw = json.loads(run(url, "versions", NAME, "--json").stdout)
    assert raw["data"][1]["outcomes"]["succeeded"] == 1
    found = client.models.versions(NAME)
    assert (found.rollout and found.rollout.share, found.versions[1].reference) == (1.0, NEW)
    assert found.versions[1].outcomes is not None
    assert found.versions[1].outcomes.run_seconds_p95 is not None
    assert run(url, "rollback", NAME).exit_code == 0
    assert client.jobs.create({"type": "generate"}).raw["input"]["model"] == NAME
    again = run(url, "rollback", NAME)
    assert again.exit_code == 2
    assert "atelier models versions NAME" in again.stderr


def test_a_job_names_a_version_by_the_client(client: Client) -> None:
    assert client.jobs.create({"type": "generate", "model": NEW}).raw["model"]["version"] == "5"
    with pytest.raises(ApiError, match="there are: 4, 5"):
        client.jobs.create({"type": "generate", "model": f"{NAME}@6"})
    rollout = client.models.roll_out(NAME, "5", 0.25)
    assert (rollout.version, rollout.share) == ("5", 0.25)
    client.models.roll_back(NAME)
    with pytest.raises(ApiError) as refused:
        client.models.roll_back(NAME)
    assert refused.value.code == "rollout_not_found"


def test_what_is_no_share_is_refused_before_anything_is_asked(url: str) -> None:
    for share in ("10", "0%", "101%", "-1%", "ten"):
        refused = run(url, "rollout", NAME, "--to", "5", "--share", share)
        assert (refused.exit_code, "say 10% or 0.1" in refused.stderr) == (2, True), share
