"""`atelier batch` when it is interrupted, loses its service, finds earlier batches, or watches a folder."""

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

import pytest
from click.testing import CliRunner

from api.services import Services
from atelier.cli import main
from atelier.client.client import Client
from atelier.folder_batch.state_file import FILE, FolderBusy, StateFile
from tests.support.http.trouble import Trouble
from tests.support.images import pictures
from tests.support.jobs.batch_worker import BatchWorker
from tests.support.waiting import eventually

COUNT = 12


@pytest.fixture
def artist(services: Services) -> BatchWorker:
    return BatchWorker(services)


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with photos in it, and a style."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(pictures.png(40, 40))
    for number in range(COUNT):
        path = tmp_path / "photos" / f"folder{number % 3}" / f"{number}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(pictures.png(20 + number, 20))
    return tmp_path


class Command:
    """`atelier batch` in a process of its own."""

    def __init__(self, url: str, home: Path, *arguments: str) -> None:
        words = ["--url", url, "batch", "photos", "--style", "a.png", "-o", "out", *arguments]
        self.process = subprocess.Popen(
            [sys.executable, "-m", "atelier", *words],
            cwd=home,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[3])},
        )

    def interrupt(self) -> "Command":
        self.process.send_signal(signal.SIGINT)
        return self

    def end(self) -> tuple[int, str, str]:
        out, err = self.process.communicate(timeout=60)
        return self.process.returncode, out, err


Start = Callable[..., Command]


@pytest.fixture
def start(url: str, home: Path) -> Iterator[Start]:
    started: list[Command] = []

    def begin(*arguments: str) -> Command:
        started.append(Command(url, home, *arguments))
        return started[-1]

    yield begin
    for command in started:
        command.process.kill()
        for stream in (command.process.stdout, command.process.stderr):
            close(stream)
        command.process.wait()


def close(stream: IO[str] | None) -> None:
    if stream is not None:
        stream.close()


def saved(home: Path) -> list[str]:
    return sorted(path.relative_to(home / "out").as_posix() for path in (home / "out").rglob("*.png"))


WHOLE = sorted(f"folder{number % 3}/{number}.png" for number in range(COUNT))


@pytest.mark.slow
def test_an_interrupted_run_goes_on_where_it_was(
    start: Start, home: Path, client: Client, artist: BatchWorker
) -> None:
    first = start()
    eventually(lambda: sum(batch.counts["total"] for batch in client.batches.list()) == COUNT)
    artist.round(most=5)
    eventually(lambda: len(saved(home)) == 5)
    status, out, err = first.interrupt().end()
    assert (status, "the same command goes on" in err) == (130, True)
    assert "5 new, 0 kept, 7 to come" in out
    second = start("--json")
    with artist.working():
        status, out, err = second.end()
    facts = json.loads(out)
    assert (status, facts["saved"], facts["kept"], facts["uploaded"]) == (0, 7, 5, 0), err
    assert saved(home) == WHOLE
    assert len(artist.runs) == sum(batch.counts["total"] for batch in client.batches.list()) == COUNT


@pytest.mark.slow
def test_a_killed_run_goes_on_where_it_was(
    start: Start, home: Path, client: Client, artist: BatchWorker
) -> None:
    first = start()
    eventually(lambda: any(batch.counts["total"] for batch in client.batches.list()))
    first.process.kill()
    first.end()
    with artist.working():
        status, _, err = start().end()
    assert (status, saved(home)) == (0, WHOLE), err
    assert len(artist.runs) == COUNT


@pytest.mark.slow
def test_a_run_outlives_lost_answers(start: Start, home: Path, artist: BatchWorker, trouble: Trouble) -> None:
    trouble.lose += ["POST"] * 4 + ["GET"] * 2
    trouble.refuse += ["POST"] * 3 + ["GET"] * 2
    with artist.working():
        status, _, err = start().end()
    assert (status, saved(home)) == (0, WHOLE), err
    assert len(artist.runs) == COUNT


@pytest.mark.slow
def test_a_watched_folder_is_served_until_ctrl_c(start: Start, home: Path, artist: BatchWorker) -> None:
    watching = start("--watch")
    with artist.working():
        eventually(lambda: saved(home) == WHOLE)
        late = home / "photos" / "late.png"
        late.write_bytes(pictures.png(90, 90)[:50])
        late.write_bytes(pictures.png(90, 90))
        eventually(lambda: "late.png" in saved(home))
        before = (home / "out" / "late.png").read_bytes()
        late.write_bytes(pictures.png(91, 90))
        eventually(lambda: (home / "out" / "late.png").read_bytes() != before)
        status, out, err = watching.interrupt().end()
    assert (status, "error" in err) == (0, False)
    assert out.startswith(f"out: {COUNT + 2} new, 0 kept in ")


def test_a_batch_that_was_opened_unknowingly_is_found(
    url: str, home: Path, client: Client, artist: BatchWorker
) -> None:
    (home / "out").mkdir()
    settings = {"name": "out", "cache": False}
    run = client.batches.open(idempotency_key="k", **settings)
    fact = {"kind": "opening", "key": "k", "settings": settings}
    (home / "out" / FILE).write_text(json.dumps(fact) + '\n{"kind":"sav')
    arguments = ["--url", url, "batch", "photos", "--style", "a.png", "-o", "out"]
    with artist.working():
        answer = CliRunner().invoke(main, arguments)
        assert answer.exit_code == 0, answer.output
    assert [(batch.id, batch.counts["succeeded"]) for batch in client.batches.list()] == [(run.id, COUNT)]
    assert saved(home) == WHOLE


def test_a_canceled_batch_is_sent_anew(url: str, home: Path, client: Client, artist: BatchWorker) -> None:
    arguments = ["--url", url, "batch", "photos", "--style", "a.png", "-o", "out"]

    def cancel() -> None:
        eventually(lambda: any(batch.counts["total"] == COUNT for batch in client.batches.list()))
        client.batches.get(next(client.batches.list())).cancel()

    canceling = threading.Thread(target=cancel)
    canceling.start()
    first = CliRunner().invoke(main, arguments)
    canceling.join()
    assert (first.exit_code, first.stderr.count("it was canceled")) == (1, COUNT)
    with artist.working():
        answer = CliRunner().invoke(main, arguments)
        assert answer.exit_code == 0, answer.output
    assert saved(home) == WHOLE


def test_one_command_at_a_time_works_on_a_folder(url: str, home: Path) -> None:
    state_file = StateFile(home / "out")
    with pytest.raises(FolderBusy):
        StateFile(home / "out")
    answer = CliRunner().invoke(main, ["--url", url, "batch", "photos", "--style", "a.png", "-o", "out"])
    assert (answer.exit_code, "another `atelier batch` works on out" in answer.stderr) == (1, True)
    state_file.close()


def test_photos_may_lie_around_the_output_folder(url: str, home: Path, artist: BatchWorker) -> None:
    arguments = ["--url", url, "batch", "photos", "--style", "a.png", "-o", "photos/out"]
    with artist.working():
        answers = [CliRunner().invoke(main, arguments) for _ in range(2)]
    assert [answer.exit_code for answer in answers] == [0, 0], answers[1].output
    assert saved(home / "photos") == WHOLE
    assert len(artist.runs) == COUNT


def test_pictures_that_an_earlier_run_made_are_no_photos(url: str, home: Path, artist: BatchWorker) -> None:
    StateFile(home / "photos" / "old").close()
    (home / "photos" / "old" / "made.png").write_bytes(pictures.png(50, 50))
    with artist.working():
        answer = CliRunner().invoke(main, ["--url", url, "batch", "photos", "--style", "a.png", "-o", "out"])
    assert saved(home) == WHOLE
    assert answer.stderr.count("photos/old is left out, because it holds pictures that `atelier batch`") == 1
