"""`atelier logs`: the lines about a job or a batch in files or the standard input, and its history."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atelier.cli import main
from atelier.client.client import Client
from atelier.local.log_files import log_file
from tests.support.jobs.fake_worker import FakeWorker

NOWHERE = "http://127.0.0.1:9"


def line(at: float, message: str, process: str = "worker", **fields: object) -> str:
    head = {"ts": at, "level": "INFO", "logger": "atelier.worker", "msg": message}
    return json.dumps({**head, **fields, "pid": 7, "process": process}) + "\n"


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("ATELIER_STATE_DIR", str(tmp_path / "state"))
    log_file(tmp_path / "state").parent.mkdir(parents=True)
    return log_file(tmp_path / "state")


def run(*words: str, given: str | None = None) -> Result:
    return CliRunner().invoke(main, ["logs", *words], input=given)


def test_lines_and_history_are_one_timeline(
    url: str, client: Client, worker: FakeWorker, state: Path
) -> None:
    job = client.jobs.create({"type": "generate", "seed": 7})
    claimed = worker.claim(job.id)
    worker.succeed(claimed)
    done = client.jobs.get(job)
    assert done.created_at is not None
    assert done.completed_at is not None
    before, after = done.created_at.timestamp() - 1, done.completed_at.timestamp() + 1
    request_id = done.raw["request_id"]
    lines = [
        line(after, "told", job_id=job.id),
        line(before, "asked", "api", request_id=request_id),
        line(before, "of another", job_id=f"{job.id}x"),
    ]
    state.write_text("".join(lines))
    answer = run(job.id, "--url", url)
    assert answer.exit_code == 0, answer.output
    told = [line.split(maxsplit=2)[2] for line in answer.stdout.splitlines()]
    assert told == [
        f"api       INFO    atelier.worker: asked request_id={request_id}",
        f"record    accepted by the request {request_id}",
        "record    attempt 1 began on w1",
        "record    attempt 1 ended: succeeded",
        "record    succeeded",
        f"worker    INFO    atelier.worker: told job_id={job.id}",
    ]
    assert answer.stderr == ""
    as_json = [json.loads(line) for line in run(job.id, "--url", url, "--json").stdout.splitlines()]
    assert [event["process"] for event in as_json] == ["api", *["record"] * 4, "worker"]
    assert as_json[-1]["msg"] == "told"


def test_a_batch_has_the_lines_of_its_items(url: str, client: Client, state: Path) -> None:
    batch = client.batches.create([{"type": "generate", "seed": seed} for seed in range(2)])
    item = f"job_{batch.id.removeprefix('batch_')}-1"
    state.write_text(line(1.0, "of an item", job_id=item) + line(2.0, "of another", job_id="job_1-1"))
    answer = run(batch.id, "--url", url)
    assert "of an item" in answer.stdout
    assert "of another" not in answer.stdout
    assert "all items were sent" in answer.stdout


def test_logs_of_a_service_that_is_down_are_read_all_the_same(state: Path) -> None:
    state.write_text(line(1.0, "seen", job_id="job_1"))
    answer = run("job_1", "--url", NOWHERE)
    assert (answer.exit_code, "seen" in answer.stdout) == (0, True)
    assert answer.stderr.startswith("no history: no service answers")


def test_the_standard_input_is_read_with_the_names_of_containers_or_without(state: Path) -> None:
    one, two = (line(1.0, message, job_id="job_1") for message in ("one", "two"))
    given = f"api-1  | {one}{two}worker-1 | job_1 in text\n"
    answer = run("job_1", "-", "--url", NOWHERE, given=given)
    assert [text in answer.stdout for text in ("one", "two", "job_1 in text")] == [True] * 3


def test_what_is_older_may_be_left_out(state: Path) -> None:
    state.write_text(line(1.0, "old", job_id="job_1") + line(4e9, "young", job_id="job_1"))
    answer = run("job_1", "--since", "2h", "--url", NOWHERE)
    assert ("old" in answer.stdout, "young" in answer.stdout) == (False, True)


def test_a_job_that_nothing_tells_of_is_an_error(url: str, state: Path) -> None:
    answer = run("job_none", "--url", url)
    assert (answer.exit_code, answer.stdout) == (2, "")
    assert "job_none" in answer.stderr
    missing = run("job_none", str(state.parent / "none.log"), "--url", url)
    assert (missing.exit_code, "does not exist" in missing.stderr) == (2, True)


def test_new_lines_are_followed_until_ctrl_c(state: Path) -> None:
    state.write_text(line(1.0, "first", job_id="job_1"))
    command = [sys.executable, "-m", "atelier", "--url", NOWHERE, "logs", "job_1", "--follow"]
    environ = {**os.environ, "PYTHONUNBUFFERED": "1"}
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    with subprocess.Popen(command, text=True, env=environ, **pipes) as process:  # type: ignore[call-overload]
        assert "first" in process.stdout.readline()
        with state.open("a") as log:
            log.write(line(2.0, "of another", job_id="job_2") + line(3.0, "second", job_id="job_1"))
        assert "second" in process.stdout.readline()
        process.send_signal(signal.SIGINT)
        assert process.wait(60) == 130
