"""The command, in process and as one."""

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from atelier import Client, GenerateRequest
from atelier.cli import default_url, main
from atelier.lazy_group import LazyGroup
from atelier.up_record import UpRecord, write_record
from shared.settings import ApiSettings, Settings
from tests.support import pictures
from tests.support.fake_worker import PICTURE, FakeWorker

Run = Callable[..., Result]


@pytest.fixture
def run(url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run the command against the test's API, in an empty folder."""
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: CliRunner().invoke(main, ["--url", url, *map(str, arguments)])


@pytest.mark.usefixtures("busy_worker")
def test_generate_writes_the_file_that_was_named(run: Run, tmp_path: Path) -> None:
    answer = run("generate", "--seed", 7, "-o", "seven.png")
    assert (answer.exit_code, answer.stdout) == (0, "seven.png\n")
    assert (tmp_path / "seven.png").read_bytes() == PICTURE


@pytest.mark.usefixtures("busy_worker")
def test_generate_into_a_folder_names_files_by_job(run: Run, tmp_path: Path) -> None:
    answer = run("generate", "-o", "new/folder", "--json")
    job = json.loads(answer.stdout)
    assert job["files"] == [f"new/folder/{job['id']}-0.png"]
    assert (tmp_path / job["files"][0]).read_bytes() == PICTURE


@pytest.mark.usefixtures("busy_worker")
def test_stylize_uploads_and_mixes_styles(run: Run, client: Client, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_bytes(pictures.jpeg())
    (tmp_path / "a.png").write_bytes(pictures.png())
    (tmp_path / "b.webp").write_bytes(pictures.webp())
    weights = ["--weight", 2, "--weight", 1, "--strength", 0.5]
    answer = run("stylize", "photo.jpg", "--style", "a.png", "--style", "b.webp", *weights, "-o", "out.jpg")
    assert answer.exit_code == 0, answer.stderr
    (job,) = client.jobs()
    assert [style["weight"] for style in job.input["styles"]] == [2, 1]
    assert (job.input["strength"], job.input["output"]["format"]) == (0.5, "jpeg")


def test_a_refused_request_is_one_line_with_the_field(run: Run) -> None:
    answer = run("generate", "--count", 5000)
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: ")
    assert "count" in answer.stderr
    assert answer.stderr.count("\n") == 1


def test_a_job_that_fails_is_one_line_with_its_reason(run: Run, client: Client, worker: FakeWorker) -> None:
    job = client.submit(GenerateRequest(seed=1))
    worker.fail(worker.claim(job.id))
    answer = run("watch", job.id)
    assert answer.exit_code == 1
    assert f"error: {job.id} failed: it ends early" in answer.stderr


def test_watch_prints_events_as_json(run: Run, client: Client, worker: FakeWorker) -> None:
    job = client.submit(GenerateRequest(seed=1))
    worker.run(job.id)
    answer = run("watch", job.id, "--json")
    assert answer.exit_code == 0
    assert [json.loads(line)["event"] for line in answer.stdout.splitlines()][-1] == "done"


def test_an_unknown_job_is_one_line(run: Run) -> None:
    answer = run("watch", "job_none")
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1


def test_waiting_too_long_has_a_status_of_its_own(run: Run) -> None:
    answer = run("generate", "--timeout", 0.1)
    assert answer.exit_code == 4
    assert "was not done in time" in answer.stderr


def test_no_service_has_a_status_and_advice(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("atelier.transport.pauses", lambda _: iter(()))
    answer = CliRunner().invoke(main, ["--url", "http://127.0.0.1:9", "generate"])
    assert answer.exit_code == 3
    assert "atelier up" in answer.stderr


def test_a_picture_that_cannot_be_read_is_one_line(run: Run, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("no picture", "utf-8")
    answer = run("stylize", "photo.jpg", "--style", "photo.jpg")
    assert answer.exit_code == 2
    assert answer.stderr.count("\n") == 1


def test_a_wrong_address_is_one_line() -> None:
    answer = CliRunner().invoke(main, ["--url", "nonsense", "generate"])
    assert answer.exit_code == 2
    assert answer.stderr.startswith("error: 'nonsense' is no address")


def test_models_are_listed_with_their_weights(run: Run) -> None:
    answer = run("models", "list", "--json")
    rows = {row["name"]: row for row in json.loads(answer.stdout)}
    assert rows["magenta-mobile"]["weights"] == "not pulled"


def test_a_model_that_nobody_knows_is_one_line(run: Run) -> None:
    answer = run("models", "pull", "nonsense")
    assert answer.exit_code == 1
    assert "known: magenta-mobile" in answer.stderr


def test_commands_whose_packages_are_missing_say_what_to_install() -> None:
    group = LazyGroup(lazy={"train": "no_such_package.train:train"})
    answer = CliRunner().invoke(group, ["train", "--steps", "3"])
    assert answer.exit_code == 1
    assert "pip install 'atelier[worker]'" in answer.stderr
    assert CliRunner().invoke(group, ["--help"]).exit_code == 0


def test_help_names_every_command_and_loads_no_tensorflow() -> None:
    code = """
import sys
from atelier.cli import main
main(["--help"], standalone_mode=False)
print("tensorflow" in sys.modules)
"""
    answer = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
    )
    assert all(name in answer.stdout for name in ("demo", "up", "doctor", "stylize"))
    assert answer.stdout.endswith("False\n")


def test_the_default_service_is_the_one_of_the_state_folder(tmp_path: Path) -> None:
    settings = Settings(state_dir=tmp_path, api=ApiSettings(host="0.0.0.0", port=81))
    assert default_url(settings) == "http://127.0.0.1:81"
    write_record(tmp_path, UpRecord(1, "http://127.0.0.1:5", ""))
    assert default_url(settings) == "http://127.0.0.1:5"
    public = settings.model_copy(update={"api": ApiSettings(public_url="https://example.org")})
    assert default_url(public) == "https://example.org"
