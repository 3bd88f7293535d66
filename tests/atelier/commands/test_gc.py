"""The command that removes what no record names."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from shared.identifiers import ANONYMOUS
from tests.support.jobs.fake_worker import FakeWorker

TWO_HOURS = 7200


@pytest.fixture
def storage(services: Services, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The storage of the installation that the environment names."""
    monkeypatch.setenv("REDIS_URL", services.settings.redis_url)
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path))
    return tmp_path / "storage"


@pytest.fixture
def needed(client: Client, worker: FakeWorker, services: Services) -> str:
    """The key of a picture that a job made."""
    job = worker.run(client.jobs.create({"type": "generate", "seeds": [7]}).id)
    return services.store.get(job.id, ANONYMOUS).outputs[0].key


def make_old(storage: Path) -> None:
    for path in storage.rglob("*"):
        seconds = path.stat().st_mtime - TWO_HOURS
        os.utime(path, (seconds, seconds))


def gc(*arguments: str) -> Result:
    return CliRunner().invoke(main, ["gc", *arguments])


def test_a_dry_run_says_what_would_go_and_removes_nothing(
    services: Services, storage: Path, needed: str
) -> None:
    services.objects.put("outputs/job_gone/1/0.png", b"x" * 2_000_000)
    make_old(storage)
    answer = gc("--dry-run", "--list")
    assert answer.exit_code == 0
    assert answer.stdout.splitlines() == [
        "outputs/job_gone/1/0.png 2000000 forgotten",
        "1 objects, 2.0 MB: of a job or file that is gone",
        "would be removed: 1 objects, 2.0 MB",
    ]
    assert len(services.objects.get("outputs/job_gone/1/0.png")) == 2_000_000


def test_what_no_record_names_is_removed_and_all_else_stays(
    services: Services, storage: Path, needed: str
) -> None:
    services.objects.put("outputs/job_gone/1/0.png", b"gone")
    make_old(storage)
    services.objects.put("outputs/job_new/1/0.png", b"just written")
    found = json.loads(gc("--json", "--list").stdout)
    assert (found["objects"], found["bytes"], found["reasons"]["forgotten"]["objects"]) == (1, 4, 1)
    assert [orphan["key"] for orphan in found["orphans"]] == ["outputs/job_gone/1/0.png"]
    assert sorted(services.objects.keys("outputs/")) == sorted([needed, "outputs/job_new/1/0.png"])


def test_the_bytes_of_deleted_jobs_are_swept(
    services: Services, client: Client, storage: Path, needed: str
) -> None:
    client.jobs.delete(needed.split("/")[1])
    assert gc("--dry-run").stdout.splitlines()[-1].endswith("wait to be swept: 1")
    assert gc().stdout.splitlines()[-1].endswith("were swept: 1")
    assert list(services.objects.keys("outputs/")) == []
