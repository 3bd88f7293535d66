"""Ctrl-C in commands: exit 130, how things stand, and how to go on. And what they say where no service is."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner

from api.services import Services
from atelier import Client, GenerateRequest
from atelier.cli import main
from atelier.client.job import job_from_json
from atelier.client.jobs import JobsResource
from tests.atelier.commands.test_service_option import LOCAL, leaves
from tests.support.http.trouble import Trouble
from tests.support.images import pictures
from tests.support.jobs.fake_worker import PICTURE, FakeWorker
from tests.support.models.transform_card import write_card
from tests.support.waiting import eventually

WITHOUT_RETRIES_SECONDS = 3.0  # on a machine that is busy; five retries pause for 3.9 s at least
GROUPS = (
    "styles",
    "recipes",
    "jobs",
    "batches",
    "models",
    "pauses",
    "actions",
    "workers",
    "deliveries",
    "keys",
)
Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Start the command in a process of its own."""
    with ExitStack() as stack:

        def begin(*arguments: object) -> subprocess.Popen[str]:
            process = subprocess.Popen(
                [sys.executable, "-m", "atelier", *map(str, arguments)],
                cwd=tmp_path,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env={**os.environ, "ATELIER_STATE_DIR": str(tmp_path / "state")},
            )
            stack.enter_context(process)
            stack.callback(process.kill)
            return process

        yield begin


@pytest.fixture
def home(tmp_path: Path, services: Services, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which commands run, with a picture, a folder of photos, and a network of one's own."""
    write_card(services.settings.cards)
    monkeypatch.chdir(tmp_path)
    (tmp_path / "a.png").write_bytes(pictures.png())
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "a.png").write_bytes(pictures.png())
    return tmp_path


def interrupted(process: subprocess.Popen[str]) -> tuple[int, str, str]:
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def is_told_well(err: str) -> bool:
    return "Traceback" not in err and "Aborted" not in err and err.count("interrupted") == 1


@pytest.mark.slow
@pytest.mark.parametrize(
    "maker",
    [
        ["generate", "--seed", 7],
        ["stylize", "a.png", "--style", "a.png"],
        ["transform", "a.png", "--model", "colorizer"],
    ],
    ids=["generate", "stylize", "transform"],
)
def test_a_job_goes_on_without_the_command_that_asked_for_it(
    start: Start, url: str, client: Client, worker: FakeWorker, trouble: Trouble, home: Path, maker: list[str]
) -> None:
    process = start("--url", url, *maker, "-o", "out.png")
    eventually(lambda: bool(list(client.jobs.list())))
    (job,) = client.jobs.list()
    eventually(lambda: ("GET", f"/v1/jobs/{job.id}") in trouble.requests)
    status, out, err = interrupted(process)
    assert (status, out, is_told_well(err)) == (130, "", True), err
    (again,) = re.findall(r"`atelier (watch [^`]+)`", err)
    assert f"`atelier jobs cancel {job.id}`" in err
    worker.run(job.id)
    assert CliRunner().invoke(main, ["--url", url, *again.split()]).exit_code == 0
    assert (home / "out.png").read_bytes() == PICTURE


@pytest.mark.slow
@pytest.mark.parametrize("options", [[], ["--json"], ["-o", "out.png"]], ids=["plain", "json", "output"])
def test_a_watch_can_be_taken_up_again(
    start: Start, url: str, client: Client, trouble: Trouble, options: list[str]
) -> None:
    job = client.jobs.create(GenerateRequest(seed=7))
    process = start("--url", url, "watch", job.id, *options)
    eventually(lambda: ("GET", f"/v1/jobs/{job.id}/events") in trouble.requests)
    status, _, err = interrupted(process)
    assert (status, is_told_well(err)) == (130, True), err
    named = " -o out.png" if "-o" in options else ""
    assert f"`atelier watch {job.id}{named}`" in err


@pytest.mark.slow
@pytest.mark.tensorflow
def test_a_training_that_is_interrupted_is_saved_at_its_step(start: Start, home: Path) -> None:
    chance = np.random.default_rng(2)
    images, labels = chance.integers(0, 256, (40, 16, 16), np.uint8), np.arange(40, dtype=np.uint8) % 2
    np.savez(home / "small.npz", x_train=images, y_train=labels, x_test=images[:0], y_test=labels[:0])
    rare = ["--checkpoint-every", 10**6, "--sample-every", 0, "--check-every", 0]
    train = ["train", "mnist-dcgan", "--data", "small.npz", "--out", "run", "--batch-size", 4, *rare]
    process = start(*train, "--steps", 10**6)
    assert process.stderr is not None
    assert any(line.startswith("step 100/") for line in process.stderr)
    status, out, err = interrupted(process)
    assert (status, out, is_told_well(err)) == (130, "", True), err
    found = re.search(r"after step (\d+), which is saved in run; the same command with --resume goes on", err)
    assert found is not None, err
    assert [path.stem for path in (home / "run" / "checkpoints").iterdir()] == [f"{int(found[1]):08d}"]


SAVE_LATER = "is done: `atelier watch job_1 -o 'a b.png'` saves"
NOT_ASKED = "interrupted; no job was asked for"


def stop(*_: object, **__: object) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("method", "arguments", "message"),
    [
        ("files.FilesResource.upload", ["stylize", "a.png", "--style", "a.png"], NOT_ASKED),
        ("files.FilesResource.upload", ["transform", "a.png"], NOT_ASKED),
        ("jobs.JobsResource.create", ["generate"], "interrupted; `atelier jobs list` says whether"),
        ("jobs.JobsResource.pictures", ["generate", "-o", "a b.png"], SAVE_LATER),
        ("styles.StylesResource.list", ["styles", "list"], "interrupted\n"),
        ("jobs.JobsResource.list", ["jobs", "list"], "interrupted\n"),
        ("styles.ModelsResource.reload", ["models", "reload"], "interrupted\n"),
    ],
)
@pytest.mark.usefixtures("home")
def test_a_command_that_is_interrupted_says_how_things_stand(
    monkeypatch: pytest.MonkeyPatch, method: str, arguments: list[str], message: str
) -> None:
    done = job_from_json({"id": "job_1", "type": "generate", "status": "succeeded"})
    for name in ("create", "wait"):
        monkeypatch.setattr(JobsResource, name, lambda *_, **__: done)
    monkeypatch.setattr(f"atelier.client.{method}", stop)
    answer = CliRunner().invoke(main, arguments)
    assert (answer.exit_code, message in answer.stderr, is_told_well(answer.stderr)) == (130, True, True)


@pytest.mark.slow
def test_ctrl_c_at_a_question_changes_nothing(start: Start, url: str, client: Client) -> None:
    client.jobs.create(GenerateRequest(seed=7))
    process = start("--url", url, "jobs", "cancel", "--status", "queued", "--all")
    assert process.stderr is not None
    asked = iter(lambda: process.stderr.read(1), "?")  # type: ignore[union-attr]
    assert "cancel 1 queued" in "".join(asked)
    status, _, err = interrupted(process)
    assert (status, "interrupted; nothing was changed" in err, is_told_well(err)) == (130, True, True), err
    assert [job.status for job in client.jobs.list()] == ["queued"]


WITHOUT_SERVICE = [
    "generate", "generate -o x.png --timeout 60", "stylize a.png --style a.png",
    "stylize a.png --style waves", "again a.png", "recipes list", "recipes show a",
    "recipes create a items.jsonl", "places",
    "recipes delete a", "transform a.png --model colorizer",
    "batch photos --style a.png -o out",
    "batch photos --style waves -o out", "batch --jsonl items.jsonl -o out", "watch job_1",
    "watch job_1 --json", "events", "styles list", "styles add a a.png", "styles remove a", "styles sheet",
    "jobs list", "jobs upcoming", "jobs show job_1", "keys self", "deliveries list", "deliveries show m",
    "deliveries redeliver m", "jobs cancel job_1", "jobs retry job_1", "jobs requeue job_1",
    "jobs delete job_1", "jobs cancel --status queued --all", "batches list", "batches show b",
    "jobs pin job_1", "jobs unpin job_1", "batches pin b", "batches unpin b",
    "actions list", "actions show a", "actions cancel a", "actions begin cancel --yes",
    "jobs move job_1 --to front", "batches move b --to front",
    "batches pause b", "batches resume b", "batches cancel b", "batches retry-failed b", "batches delete b",
    "batches fetch b -o out", "models reload", "models limit m 2", "pauses list",
    "models versions m", "models rollout m --to 2 --share 10%", "models rollback m",
    "pauses create --reason r --everything", "pauses end p", "logs job_1", "stats",
    "plan --jobs 10 --deadline 1h", "top", "jobs failures", "usage",
    "mcp --http --host 0.0.0.0", "workers list", "workers cordon w", "workers uncordon w", "workers drain w",
]  # fmt: skip


def test_every_command_says_at_once_that_no_service_is_there(home: Path) -> None:
    (home / "items.jsonl").write_text('{"type": "generate"}\n')
    tried = {
        words[0] if words[0] not in GROUPS else " ".join(words[:2])
        for words in map(str.split, WITHOUT_SERVICE)
    }
    assert tried == {name for name, _ in leaves()} - LOCAL
    before = sorted(home.iterdir())
    for line in WITHOUT_SERVICE:
        CliRunner().invoke(main, [*line.split(), "--help"])  # which imports it
        began, worked = time.monotonic(), time.process_time()
        answer = CliRunner().invoke(main, ["--url", "http://127.0.0.1:9", *line.split()])
        assert time.process_time() - worked < 1, line
        assert time.monotonic() - began < WITHOUT_RETRIES_SECONDS, line
        assert (answer.exit_code, answer.stdout) == (3, ""), line
        assert answer.stderr.startswith("error: no service answers at http://127.0.0.1:9: "), line
        assert answer.stderr.endswith("start it with `atelier up`\n"), line
    assert sorted(home.iterdir()) == before
