"""`atelier workers`: the list, and cordon, drain and uncordon of workers by name or label."""

import json
import threading
from collections.abc import Callable

import pytest
from click.testing import CliRunner, Result

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.client.queue.workers import Worker as ClientWorker
from atelier.lazy_group import EXIT_TIMEOUT
from shared.workers import Worker
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.terminal import on_terminal

Run = Callable[..., Result]
ALPHA, BETA = "alpha-10-0a1b2c", "beta-11-3d4e5f"


@pytest.fixture
def run(url: str, services: Services) -> Run:
    services.roster.announce(Worker(ALPHA, 4, (), labels=("gpu", "large"), memory_bytes=2**34))
    services.roster.announce(Worker(BETA, 2, (), available=("mnist-dcgan",)))
    return lambda *words: CliRunner().invoke(main, ["--url", url, "workers", *map(str, words)])


def states(client: Client) -> dict[str, str]:
    return {worker.name: worker.state for worker in client.workers.list()}


def test_the_list_has_a_row_for_each_worker(run: Run) -> None:
    answer = run("list")
    headings, *rows = (line.split("\t") for line in answer.stdout.splitlines())
    assert headings[:5] == ["worker", "state", "running", "at most", "memory"]
    assert rows[0][:6] == ["alpha", "active", "0", "4", "16 GiB", "gpu, large"]
    assert rows[1][0] == "beta"
    (line,) = run("list", "--label", "gpu", "--json").stdout.splitlines()
    assert json.loads(line)["name"] == "alpha"


def test_a_cordon_says_why_and_ends(run: Run, client: Client) -> None:
    answer = run("cordon", "alpha", "--reason", "new disk")
    assert answer.exit_code == 0, answer.output
    assert "anonymous: new disk" in answer.stdout
    assert states(client) == {"alpha": "cordoned", "beta": "active"}
    assert run("uncordon", "alpha").exit_code == 0
    assert states(client) == {"alpha": "active", "beta": "active"}


def test_a_label_means_all_workers_that_have_it(run: Run, client: Client) -> None:
    assert run("cordon", "--label", "gpu").exit_code == 0
    assert states(client) == {"alpha": "cordoned", "beta": "active"}
    assert run("uncordon", "--label", "gpu").exit_code == 0
    assert states(client) == {"alpha": "active", "beta": "active"}


@pytest.mark.parametrize(
    "words", [["cordon"], ["drain", "alpha", "--label", "gpu"], ["drain", "--label", "x"]]
)
def test_what_means_no_worker_is_refused(run: Run, client: Client, words: list[str]) -> None:
    answer = run(*words)
    assert (answer.exit_code, "label" in answer.stderr) == (2, True)
    assert set(states(client).values()) == {"active"}


def test_a_name_that_nobody_has_is_told_and_others_are_moved(run: Run, client: Client) -> None:
    answer = run("cordon", "aplha", "beta")
    assert (answer.exit_code, "aplha" in answer.stderr) == (1, True)
    assert states(client) == {"alpha": "active", "beta": "cordoned"}
    assert "beta" in answer.stdout


def test_drain_waits_until_the_worker_runs_nothing(
    run: Run, client: Client, services: Services, worker: FakeWorker
) -> None:
    client.jobs.create({"type": "generate"})
    (job,) = services.store.claim_next(ALPHA)
    late = run("drain", "alpha", "--wait", "--timeout", "0.1")
    assert (late.exit_code, "jobs that run: alpha 1" in late.stderr) == (EXIT_TIMEOUT, True)
    assert states(client)["alpha"] == "draining"
    threading.Timer(0.5, lambda: worker.succeed(job)).start()
    answer = run("drain", "alpha", "--wait")
    assert answer.exit_code == 0, answer.output
    assert "no job runs there any more" in answer.stderr
    assert states(client)["alpha"] == "drained"


def test_the_client_tells_each_change(
    client: Client, services: Services, run: Run, worker: FakeWorker
) -> None:
    client.jobs.create({"type": "generate"})
    (job,) = services.store.claim_next(ALPHA)
    client.workers.drain("alpha")
    seen: list[list[int]] = []

    def note(workers: tuple[ClientWorker, ...]) -> None:
        seen.append([each.running for each in workers])
        worker.succeed(job) if len(seen) == 1 else None

    (drained,) = client.workers.wait_drained({"alpha"}, on_change=note)
    assert (seen, drained.state) == ([[1], [0]], "drained")


def test_the_list_fits_80_columns(run: Run, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    run("cordon", "alpha", "--reason", "a disk that has to be replaced before the winter comes")
    lines = on_terminal(["--url", url, "workers", "list"], columns=80, monkeypatch=monkeypatch)
    assert max(map(len, lines)) <= 80
    text = " ".join(" ".join(lines).split())
    assert "cordoned" in text
    assert "before the winter comes" in text
