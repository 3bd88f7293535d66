"""`atelier top`: what it shows in a pipe, on narrow terminals, and while the service goes away."""

import os
import pty
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from atelier.cli import main
from atelier.client.client import Client
from tests.support.http.trouble import Trouble
from tests.support.jobs.fake_worker import FakeWorker
from tests.support.terminal import read_until

SPEC = {"type": "generate", "seeds": [7]}
ROOT = Path(__file__).parents[3]


@pytest.fixture
def busy(client: Client, worker: FakeWorker) -> tuple[str, str]:
    """A running job, a failed one, three that wait, a batch; returns the ids of the first and the last."""
    worker.announce("mnist-dcgan", slots=2)
    first, second, *_ = (client.jobs.create(SPEC).id for _ in range(5))
    worker.claim(first)
    worker.fail(worker.claim(second))
    batch = client.batches.create([SPEC, SPEC], name="digits")
    return first, batch.id


def test_everything_is_shown_once_in_a_pipe(url: str, busy: tuple[str, str]) -> None:
    answer = CliRunner().invoke(main, ["--url", url, "top"])
    assert answer.exit_code == 0, answer.output
    for text in (url, *busy, "lane interactive", "model mnist-dcgan", "1 worker with 2 slots", "0/2",
                 "digits", "corrupt_image", "Running jobs", "Failures of the last day"):  # fmt: skip
        assert text in answer.stdout, text


def test_pauses_are_shown(url: str, client: Client) -> None:
    client.pauses.create("the disk is moved", lane="bulk", for_seconds=60)
    client.jobs.create({**SPEC, "lane": "bulk"})
    told = CliRunner().invoke(main, ["--url", url, "top"]).stdout
    rows = [line.split() for line in told.splitlines()]
    assert any(row[:5] == ["part", "waiting", "running", "paused", "done/min"] for row in rows)
    assert any(row[:5] == ["lane", "bulk", "0", "0", "1"] for row in rows)
    assert "Pauses" in told
    assert "lane bulk" in told.split("Pauses")[1]
    assert "the disk is moved" in told


def test_an_idle_service_shows_its_lanes_alone(url: str) -> None:
    answer = CliRunner().invoke(main, ["--url", url, "top"])
    assert "lane bulk" in answer.stdout
    assert "Running jobs" not in answer.stdout
    assert "Batches" not in answer.stdout


@contextmanager
def on_screen(url: str, columns: int) -> Iterator[tuple[subprocess.Popen[bytes], Callable[[str], str]]]:
    """Run the command on a terminal; what is yielded reads the screen until it has a text."""
    outside, inside = pty.openpty()
    environ = {**os.environ, "COLUMNS": str(columns), "LINES": "40", "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "atelier", "--url", url, "top", "--every", "0.2"]
    with subprocess.Popen(command, stdout=inside, stderr=subprocess.PIPE, env=environ, cwd=ROOT) as process:
        os.close(inside)
        try:
            yield process, lambda text: read_until(outside, text)
        finally:
            process.kill()
            os.close(outside)


@pytest.mark.slow
@pytest.mark.parametrize("columns", [80, 200])
def test_it_goes_on_until_ctrl_c_on_any_width(
    url: str, client: Client, busy: tuple[str, str], columns: int
) -> None:
    with on_screen(url, columns) as (process, read):
        shown = read(busy[1])
        assert max(map(len, shown.splitlines())) <= columns
        added = client.batches.create([SPEC], name="later").id
        read(added)
        process.send_signal(signal.SIGINT)
        assert process.wait(20) == 0


@pytest.mark.slow
def test_a_service_that_goes_away_is_waited_for(url: str, trouble: Trouble, busy: tuple[str, str]) -> None:
    with on_screen(url, 120) as (_, read):
        read(busy[0])
        trouble.refuse = ["GET"] * 1000
        read("asking again")
        trouble.refuse = []
        read(busy[0])
