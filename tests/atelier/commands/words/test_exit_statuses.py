"""Exit statuses: those that the page lists, each with what ends a command so."""

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner

from atelier import lazy_group
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.jobs import JobsResource
from shared.settings import EXIT_CONFIGURATION
from tests.support.jobs.fake_worker import FakeWorker

PAGE = Path(__file__).parents[4] / "docs" / "cli.md"
EXITS = {value for name, value in vars(lazy_group).items() if name.startswith("EXIT_")}
Status = Callable[..., int]


@pytest.fixture
def status(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Status:
    """Run a command against the test's API, and return its exit status."""
    monkeypatch.chdir(tmp_path)
    return lambda line, **environ: (
        CliRunner().invoke(main, ["--url", url, *line.split()], env=environ).exit_code
    )


def test_the_page_lists_every_status_once() -> None:
    table = PAGE.read_text("utf-8").split("## Exit statuses")[1]
    listed = [int(number) for number in re.findall(r"^\| (\d+) \|", table, re.MULTILINE)]
    assert listed == sorted({0, EXIT_CONFIGURATION, *EXITS})


def test_0_is_done(status: Status) -> None:
    assert status("jobs list") == 0


def test_1_is_a_failed_job(status: Status, client: Client, worker: FakeWorker) -> None:
    job = client.jobs.create({"type": "generate"})
    worker.fail(worker.claim(job.id))
    assert status(f"watch {job.id}") == lazy_group.EXIT_FAILED


@pytest.mark.parametrize(
    "line", ["jobs list --statu x", "jobs show job_none", "generate --count 0", "nonsense"]
)
def test_2_is_a_wrong_request(status: Status, line: str) -> None:
    assert status(line) == lazy_group.EXIT_REFUSED


def test_3_is_no_service(status: Status) -> None:
    assert status("jobs list --url http://127.0.0.1:9") == lazy_group.EXIT_UNREACHABLE


def test_4_is_a_timeout(status: Status) -> None:
    assert status("generate --timeout 0.1") == lazy_group.EXIT_TIMEOUT


def test_78_is_a_wrong_setting(status: Status) -> None:
    assert status("keys list", ATELIER_WORKER_THREADS="none") == EXIT_CONFIGURATION


def test_130_is_ctrl_c(status: Status, monkeypatch: pytest.MonkeyPatch) -> None:
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(JobsResource, "list", stop)
    assert status("jobs list") == lazy_group.EXIT_INTERRUPTED
